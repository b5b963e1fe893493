import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "@jest/globals";
import { chromium, type Page } from "playwright-core";
import { openSite, person, say, type TestPerson, type TestSite } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { programsOf } from "../support/engines.ts";
import { until } from "../support/until.ts";

// The host's page is at 127.0.0.2, so it is of another site than chattera at 127.0.0.1: browsers
// send no cookie in its frames, and keep their storage apart.

const browser = useBrowser();
let site: TestSite;
let url: string;
let host: Server;
let hostUrl: string;
let ann: TestPerson;
let page: { policy: string | undefined; markup: string };

beforeAll(async () => {
  host = createServer((request, response) => {
    const script = SCRIPTS[request.url ?? ""];
    if (script !== undefined) {
      response.writeHead(200, { "Content-Type": "text/javascript; charset=utf-8" }).end(script());
      return;
    }
    const policy = page.policy && { "Content-Security-Policy": page.policy };
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", ...policy });
    response.end(`<!doctype html><html lang="en"><title>Host</title><h1>Host</h1>${page.markup}<p id="end">end</p>`);
  });
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.2", resolve));
  hostUrl = `http://127.0.0.2:${(host.address() as AddressInfo).port}`;
  site = await openSite({ origins: [hostUrl] });
  url = site.nodes[0]?.url ?? "";
  ann = await person(url, "Ann");
  await say(url, ann, "premise");
}, 30_000);

afterAll(async () => {
  await site.close();
  host.closeAllConnections();
  await new Promise((resolve) => host.close(resolve));
});

const needs = ["devtools"] as const;
const STRICT = () => `default-src 'none'; script-src ${url}; frame-src ${url}; style-src 'none'`;

async function openHost(markup: string, policy: string | undefined = STRICT()): Promise<Page> {
  page = { policy, markup };
  const opened = await (await browser.newContext({ locale: "en-US" })).newPage();
  await opened.goto(hostUrl);
  return opened;
}

const POLICY_OF_LIBRARY = () => `default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self' ${url}`;

/** A page and a worker that follow the lobby, and show what they read. */
const SCRIPTS: { [path: string]: () => string } = {
  "/chattera.js": () => readFileSync(new URL("../../dist/client/browser.js", import.meta.url), "utf8"),
  "/follow.js": () => `import { connect } from "./chattera.js";
    export async function follow(where, show) {
      const room = connect("${url}", { room: "lobby", nickname: "A " + where });
      room.on("state", ({ transport }) => show(where, transport));
      room.on("event", ({ text }) => show(where, text ?? ""));
      await room.ready;
      await room.send("said by the " + where);
    }`,
  "/worker.js": () => `import { follow } from "./follow.js";
    follow("worker", (where, text) => postMessage([where, text]));`,
  "/page.js": () => `import { follow } from "./follow.js";
    const show = (where, text) => {
      const found = document.getElementById(where) ?? document.body.appendChild(document.createElement("p"));
      found.id = where;
      found.append(text + " ");
    };
    follow("page", show);
    new Worker("/worker.js", { type: "module" }).onmessage = ({ data: [where, text] }) => show(where, text);`,
};

const scriptWith = (attributes: string) => `<script src="${url}/embed.js" ${attributes} async></script>`;

browserTest(
  "a room is shown by one script element, under a strict policy, and a visitor without any cookie talks in it",
  { needs: [...needs] },
  async () => {
    const opened = await openHost(scriptWith('data-room="lobby" data-height="500" data-title="Our chat"'));
    const frame = opened.frameLocator("iframe.chattera-frame");
    await frame.locator("#log").getByText("premise").waitFor();
    await frame.locator("#enter [name=nickname]").fill("Guest");
    await frame.locator("#enter button[type=submit]").click();
    await frame.locator("#text").fill("from the frame");
    await frame.locator("#text").press("Enter");
    await frame.locator("#log [data-seq]").getByText("from the frame").waitFor();
    await say(url, ann, "from outside");
    await frame.locator("#log").getByText("from outside").waitFor();
    const { title, height } = await opened.evaluate(() => {
      const shown = document.querySelector("iframe") as HTMLIFrameElement;
      return { title: shown.title, height: shown.getBoundingClientRect().height };
    });
    expect([title, height]).toEqual(["Our chat", 500]);
    expect((await opened.context().cookies()).filter(({ domain }) => domain === "127.0.0.1")).toEqual([]);
    await opened.context().close();
  },
  60_000,
);

browserTest(
  "its theme and language are those of its attributes",
  { needs: [...needs] },
  async () => {
    const opened = await openHost(scriptWith('data-room="lobby" data-theme="dark" data-language="ja"'));
    const frame = opened.frameLocator("iframe");
    await frame.getByRole("button", { name: "入室" }).waitFor();
    const paper = await frame.locator("body").evaluate((body) => {
      const style = getComputedStyle(body);
      return [style.getPropertyValue("--paper"), style.colorScheme];
    });
    expect(paper).toEqual(["#191613", "dark"]);
    await opened.context().close();
  },
  60_000,
);

browserTest(
  "its button counts unread messages, opens by keyboard, and has a name for screen readers",
  { needs: [...needs] },
  async () => {
    const opened = await openHost(scriptWith('data-room="lobby" data-button="Talk to us"'));
    const button = opened.getByRole("button");
    await button.waitFor();
    expect(await button.getAttribute("aria-expanded")).toBe("false");
    expect(await opened.locator("iframe").isVisible()).toBe(false);
    const { app } = site.nodes[0] as TestSite["nodes"][0];
    await until("the hidden frame reads", () => app.site.hub.readers.size > 0, 20_000);
    await say(url, ann, "are you there?");
    await opened.getByRole("button", { name: "Talk to us (1 unread)" }).waitFor();
    await opened.keyboard.press("Tab");
    await opened.keyboard.press("Enter");
    await opened.getByRole("button", { name: "Talk to us", exact: true, expanded: true }).waitFor();
    await opened.frameLocator("iframe").locator("#log").getByText("are you there?").waitFor();
    expect(await opened.evaluate(() => document.activeElement?.tagName)).toBe("IFRAME");
    await opened.context().close();
  },
  60_000,
);

browserTest(
  "a visitor talks in it where the browser blocks all cookies and all storage",
  { needs: [...needs] },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "chattera-chromium-"));
    mkdirSync(join(folder, "Default"));
    const blocked = { profile: { default_content_setting_values: { cookies: 2 } } };
    writeFileSync(join(folder, "Default/Preferences"), JSON.stringify(blocked));
    const executablePath = programsOf("Chromium")?.[0] as string;
    const context = await chromium.launchPersistentContext(folder, { executablePath, args: ["--no-sandbox"] });
    page = { policy: STRICT(), markup: scriptWith('data-room="lobby"') };
    const opened = await context.newPage();
    await opened.goto(hostUrl);
    const frame = opened.frameLocator("iframe");
    await frame.locator("#log").getByText("premise").waitFor();
    const storage = await frame.locator("body").evaluate(() => {
      try {
        return localStorage.length;
      } catch {
        return "blocked";
      }
    });
    expect(storage).toBe("blocked");
    await frame.locator("#enter [name=nickname]").fill("Without storage");
    await frame.locator("#enter button[type=submit]").click();
    await frame.locator("#text").fill("nothing is kept here");
    await frame.locator("#text").press("Enter");
    await frame.locator("#log [data-seq]").getByText("nothing is kept here").waitFor();
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  },
  60_000,
);

browserTest(
  "the client library follows a room by a stream under connect-src alone, in a page and in a worker of another origin",
  { needs: [...needs] },
  async () => {
    const opened = await openHost('<script type="module" src="/page.js"></script>', POLICY_OF_LIBRARY());
    const faults: string[] = [];
    opened.on("console", (line) => line.type() === "error" && faults.push(line.text()));
    for (const where of ["page", "worker"]) {
      await opened.waitForSelector(`#${where}:has-text("sse")`, { timeout: 20_000 });
      await opened.waitForSelector(`#${where}:has-text("said by the ${where}")`);
    }
    expect(faults).toEqual([]);
    await opened.context().close();
  },
  60_000,
);

browserTest(
  "a plain frame works, and a site that is not listed cannot show one",
  { needs: [...needs] },
  async () => {
    const frame = `<iframe src="${url}/rooms/lobby" title="Chat"></iframe>`;
    const opened = await openHost(frame);
    await opened.frameLocator("iframe").locator("#log").getByText("premise").waitFor();
    const other = await openSite();
    page = { policy: undefined, markup: `<iframe src="${other.nodes[0]?.url}/rooms/lobby" title="Chat"></iframe>` };
    const refused = opened.waitForEvent("console", (line) => /frame-ancestors|X-Frame-Options/i.test(line.text()));
    await opened.goto(hostUrl);
    await refused;
    await opened.context().close();
    await other.close();
  },
  60_000,
);
