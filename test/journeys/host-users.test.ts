import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import { SignJWT } from "jose";
import Koa from "koa";
import mount from "koa-mount";
import type { Page } from "playwright-core";
import { createApp } from "../../server/index.ts";
import { openNode, person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { createDatabase } from "../support/database.ts";

const browser = useBrowser();
const CLEO = { id: "user-1", nickname: "Cleo", color: "#00696d" };
const DORA = { id: "user-2", nickname: "Dora", color: "#0b57d0" };
const EMIL = { id: "user-3", nickname: "Emil", color: "#a1267a" };
const JWT_SECRET = "a shared secret of 32 characters, or more";
const AUTH_SECRET = "a secret that signs questions";

/** A site that knows its host's users, and the cookie of one of them. */
type Hosted = { url: string; user: typeof CLEO; cookie: string; close(): Promise<void> };

let database: Awaited<ReturnType<typeof createDatabase>>;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function end(server: Server): Promise<unknown> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

const HOSTS: { [way: string]: () => Promise<Hosted> } = {
  "an app that mounts the site with identify": async () => {
    const chat = await createApp({
      database: database.url,
      limits: false,
      identify: (ctx) => (ctx.state.user === "cleo" ? CLEO : null),
    });
    const app = new Koa();
    app.use((ctx, next) => {
      ctx.state.user = ctx.cookies.get("login");
      return next();
    });
    app.use(mount("/chat", chat));
    const server = createServer(app.callback());
    const close = async () => {
      await chat.close();
      await end(server);
    };
    return { url: `${await listen(server)}/chat`, user: CLEO, cookie: "login=cleo", close };
  },
  "a JWT in a cookie": async () => {
    const { url, close } = await openNode(database.url, { jwtSecret: JWT_SECRET, jwtCookie: "jwt" });
    const exp = Math.floor(Date.now() / 1000) + 600;
    const claims = { sub: DORA.id, name: DORA.nickname, color: DORA.color, exp };
    const signing = new SignJWT(claims).setProtectedHeader({ alg: "HS256" });
    return { url, user: DORA, cookie: `jwt=${await signing.sign(new TextEncoder().encode(JWT_SECRET))}`, close };
  },
  "an app that answers at CHATTERA_AUTH_URL": async () => {
    const app = createServer(async (incoming, response) => {
      let body = "";
      for await (const part of incoming.setEncoding("utf8")) body += part;
      const { ask, cookie = "" } = JSON.parse(body);
      const member = /\blogin=emil\b/.test(cookie) ? EMIL : null;
      response.end(JSON.stringify(ask === "identify" ? { member } : { allow: true, rooms: ["lobby"] }));
    });
    const authUrl = await listen(app);
    const node = await openNode(database.url, { authUrl, authSecret: AUTH_SECRET, authCookies: ["login"] });
    const close = async () => {
      await node.close();
      await end(app);
    };
    return { url: node.url, user: EMIL, cookie: "login=emil", close };
  },
};

async function says(page: Page, text: string): Promise<void> {
  await page.fill("#say [name=text]", text);
  await page.press("#say [name=text]", "Enter");
  await page.waitForSelector(`#log [data-seq].own:not(.pending) .text:text-is("${text}")`, { timeout: 15_000 });
}

for (const [way, open] of Object.entries(HOSTS))
  describe(`a user of ${way}`, () => {
    let hosted: Hosted;
    beforeAll(async () => {
      hosted = await open();
    }, 30_000);
    afterAll(() => hosted.close());

    browserTest(
      "enters under the host's name, which cannot be changed, talks with a guest, and is a guest after signing out",
      async () => {
        const context = await browser.newContext({ locale: "en-US" });
        const page = await context.newPage();
        const { user } = hosted;
        await page.goto(hosted.url);
        await page.evaluate(`document.cookie = ${JSON.stringify(`${hosted.cookie}; path=/`)}`);
        await page.goto(`${hosted.url}/rooms/lobby`);
        if (process.env.SHOT) await page.screenshot({ path: process.env.SHOT });
        expect(await page.locator("#nickname").getAttribute("readonly")).toBe("");
        expect(await page.locator("#nickname").inputValue()).toBe(user.nickname);
        expect(await page.locator("#enter .swatch").count()).toBe(0);
        await page.click("#enter button[type=submit]");
        await page.waitForSelector("#say [name=text]");
        await says(page, `hello by ${way}`);
        const guest = await person(hosted.url, `Guest ${way.length}`);
        await say(hosted.url, guest, `welcome, ${way}`);
        await page.waitForSelector(`#log [data-seq] .text:text-is("welcome, ${way}")`);
        const own = page.locator("#log [data-seq].own .nickname").last();
        expect(await own.textContent()).toBe(user.nickname);
        await page.click(`#members [data-member-id="${user.id}"] .menu-button`);
        await page.click('[role="menuitem"]');
        expect(await page.locator("#rename [name=nickname]").getAttribute("readonly")).toBe("");
        expect(await page.locator("#rename button[type=submit]").count()).toBe(0);
        await page.evaluate(`document.cookie = "${hosted.cookie.split("=")[0]}=; path=/; max-age=0"`);
        await page.goto(`${hosted.url}/rooms/lobby`);
        await page.waitForSelector("#enter .swatch");
        await context.close();
      },
      60_000,
    );
  });
