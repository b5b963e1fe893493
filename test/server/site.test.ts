import { createServer } from "node:http";
import { describe, expect, test } from "@jest/globals";
import Koa from "koa";
import mount from "koa-mount";
import request from "supertest";
import { readEnvironment } from "../../server/config.ts";
import { createApp } from "../../server/index.ts";
import { openStream, readEvents } from "../../server/testing.ts";
import { clientId, openNode, person, say, type TestOptions } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();

const fieldOf = (html: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? "";

describe("the pages without script", () => {
  test("take a visitor from the lobby into a room in one step, let them speak, and let them leave", async () => {
    const browser = request.agent(site.url);
    const lobby = await browser.get("/").expect(200);
    expect(lobby.headers["content-type"]).toBe("text/html; charset=utf-8");
    const entered = await browser
      .post("/")
      .type("form")
      .send({ nickname: "Formal", room: "lobby", form_token: fieldOf(lobby.text, "form_token") })
      .expect(303);
    expect(entered.headers.location).toBe("/rooms/lobby");
    const room = await browser.get("/rooms/lobby").expect(200);
    const form = { form_token: fieldOf(room.text, "form_token"), id: fieldOf(room.text, "id"), text: "one\r\ntwo <3" };
    for (let twice = 0; twice < 2; twice += 1) await browser.post("/rooms/lobby").type("form").send(form).expect(303);
    const after = await browser.get("/rooms/lobby").expect(200);
    expect(after.text.match(/one\ntwo &lt;3/g)).toHaveLength(1);
    const left = await browser
      .post("/rooms/lobby")
      .type("form")
      .send({ leave: "1", form_token: form.form_token })
      .expect(303);
    expect(left.headers.location).toBe("/");
    expect((await request(site.url).get("/api/rooms/lobby")).body.members).toEqual([]);
  });

  test("explain why a form was refused and keep the typed text", async () => {
    const holder = await person(site.url, "Holder");
    await say(site.url, holder, "I am here");
    const browser = request.agent(site.url);
    const lobby = await browser.get("/").set("accept-language", "ja");
    const send = (fields: object) =>
      browser
        .post("/")
        .set("accept-language", "ja")
        .type("form")
        .send({ form_token: fieldOf(lobby.text, "form_token"), room: "lobby", ...fields });
    const taken = await send({ nickname: "ＨＯＬＤＥＲ" }).expect(409);
    expect(taken.text).toContain('value="ＨＯＬＤＥＲ"');
    expect(taken.text).toContain('class="problem"');
    await send({ nickname: "" }).expect(400);
    await send({ nickname: "Fine", room: "nowhere" }).expect(404);
    const stranger = await request(site.url)
      .post("/rooms/lobby")
      .type("form")
      .send({ text: "x", form_token: fieldOf(lobby.text, "form_token") });
    expect(stranger.status).toBe(401);
  });

  test("say before anybody is entered that a browser keeps no cookies", async () => {
    for (const agent of ["Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "Lynx/2.9.2", "w3m/0.5.3"]) {
      const lobby = await request(site.url).get("/").set({ "user-agent": agent, "accept-language": "en" });
      const form = { nickname: "Cookieless", room: "lobby", form_token: fieldOf(lobby.text, "form_token") };
      const from = { "user-agent": agent, "accept-language": "en", referer: `${site.url}/` };
      for (const path of ["/", "/rooms/lobby"]) {
        const refused = await request(site.url).post(path).type("form").set(from).send(form);
        expect(refused.status).toBe(403);
        expect(refused.text).toContain("Please allow cookies");
        expect(refused.text).toContain('value="Cookieless"');
        expect((await request(site.url).get("/api/rooms/lobby/messages")).text).not.toContain("Cookieless");
      }
    }
  });

  test("say in a sandboxed frame, before anybody is entered, that a window of its own is needed", async () => {
    const agent = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "accept-language": "en" };
    const lobby = await request(site.url).get("/").set(agent);
    const form = { nickname: "Boxed", room: "lobby", form_token: fieldOf(lobby.text, "form_token") };
    for (const metadata of [{ "sec-fetch-site": "cross-site" }, {}])
      for (const path of ["/", "/rooms/lobby"]) {
        const from = { ...agent, ...metadata, origin: "null" };
        const refused = await request(site.url).post(path).type("form").set(from).send(form);
        expect(refused.status).toBe(403);
        expect(refused.text).toContain("in a window of its own");
        expect((await request(site.url).get("/api/rooms/lobby/messages")).text).not.toContain("Boxed");
      }
  });

  test("accept no form from another site's page", async () => {
    const forged = request(site.url).post("/").type("form").send({ nickname: "Forged", room: "lobby" });
    expect((await forged.set("origin", "http://evil.example")).status).toBe(403);
    expect((await request(site.url).post("/").type("form").send({ nickname: "Forged", room: "lobby" })).status).toBe(
      403,
    );
  });

  test("use the browser's language, and a chosen one after that", async () => {
    const browser = request.agent(site.url);
    expect((await browser.get("/").set("accept-language", "ja,en;q=0.5")).text).toContain('<html lang="ja">');
    const chosen = await browser.get("/rooms/lobby?language=en").expect(303);
    expect(chosen.headers.location).toBe("/rooms/lobby");
    expect((await browser.get("/").set("accept-language", "ja")).text).toContain('<html lang="en">');
  });

  test("contain their cursor, from which the stream continues", async () => {
    const ann = await person(site.url, "Carrier");
    await say(site.url, ann, "on the page");
    const { text } = await request(site.url).get("/rooms/lobby");
    await say(site.url, ann, "between page and stream");
    const after = /data-cursor="([^"]+)"/.exec(text)?.[1] as string;
    const [event] = await readEvents(site.url, { room: "lobby", after, count: 1 });
    expect(event?.text).toBe("between page and stream");
  });

  test("answer an unknown path with a page, and programs with JSON", async () => {
    const page = await request(site.url).get("/rooms/nowhere").set("accept", "text/html").expect(404);
    expect(page.text).toContain("<!doctype html>");
    for (const path of ["/nothing", "/api/nothing", "/assets/nothing.js", "/assets/assets.json"]) {
      const { status, body, headers } = await request(site.url).get(path).set("accept", "application/json");
      expect([path, status, body.code, headers["x-content-type-options"]]).toEqual([
        path,
        404,
        "no_such_page",
        "nosniff",
      ]);
    }
  });

  test("send no Referer to other sites", async () => {
    for (const path of ["/", "/rooms/lobby", "/rooms/lobby/live", "/rooms/nowhere", "/doctor"]) {
      // A live page does not end; its head is enough.
      const { headers, body } = await fetch(site.url + path, {
        headers: { accept: "text/html" },
        signal: AbortSignal.timeout(5000),
      });
      expect([path, headers.get("referrer-policy")]).toEqual([path, "same-origin"]);
      await body?.cancel();
    }
    const { text } = await request(site.url).get("/rooms/lobby");
    expect(text).not.toMatch(/name="?referrer|referrerpolicy/i);
  });

  test("have their script, style and icon, which any cache may keep", async () => {
    const { text } = await request(site.url).get("/");
    const assets = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1] as string);
    expect(assets).toHaveLength(7);
    for (const path of assets.filter((name) => !name.endsWith(".png"))) {
      const { headers } = await request(site.url).get(path).set("accept-encoding", "gzip").expect(200);
      expect(headers["cache-control"]).toBe("max-age=31536000,immutable");
      expect(headers["content-encoding"]).toBe("gzip");
      // At a slow phone's 50 kB/s, the script takes a second. The page can be read without it.
      expect(Number(headers["content-length"])).toBeLessThan(53_000);
      const plain = await request(site.url).get(path).set("accept-encoding", "identity").expect(200);
      expect(plain.headers["content-encoding"]).toBeUndefined();
    }
  });
});

describe("operating", () => {
  test("health, readiness and metrics are reported, and readiness ends with draining", async () => {
    const node = await openNode(site.databaseUrl);
    await request(node.url).get("/healthz").expect(200, { status: "ok" });
    await until("the node is ready", async () => (await request(node.url).get("/readyz")).status === 200);
    const { text } = await request(node.url).get("/metrics").expect(200);
    expect(text).toContain("chattera_bus_hears 1");
    node.app.drain();
    const { body } = await request(node.url).get("/readyz").expect(503);
    expect(body.checks).toEqual({ database: true, bus: true, places: true, storing: true, serving: false });
    await request(node.url).get("/healthz").expect(200);
    await node.close();
  });

  test("under a base path everything is below it, whether a proxy passes it on or strips it", async () => {
    const node = await openNode(site.databaseUrl, { basePath: "/chat" });
    for (const prefix of ["/chat", ""]) {
      const { text } = await request(node.url).get(`${prefix}/rooms/lobby`).expect(200);
      const links = [...text.matchAll(/(?:href|src|action)="(\/[^"]*)"/g)].map((match) => match[1] as string);
      expect(links.length).toBeGreaterThan(3);
      expect(links.filter((link) => !link.startsWith("/chat/"))).toEqual([]);
      await request(node.url).get(`${prefix}/api/rooms;n=1`).expect(200);
    }
    await request(node.url).get("/chat").expect(200);
    const { headers } = await request(node.url).post("/chat/api/session").send({ nickname: "Based" });
    expect(String(headers["set-cookie"])).toContain("path=/chat;");
    await node.close();
  });

  test("forwarded headers count only from the named proxies", async () => {
    const { db } = site.node.app.site;
    expect(db).toBeDefined();
    const forwarded = { "x-forwarded-proto": "https", "x-forwarded-host": "chat.example" };
    const secure = async (options: TestOptions) => {
      const node = await openNode(site.databaseUrl, options);
      const { headers } = await request(node.url).post("/api/session").set(forwarded).send({ nickname: "Proxied" });
      await node.close();
      return String(headers["set-cookie"]).includes("secure");
    };
    expect(await secure({})).toBe(false);
    expect(await secure({ trustProxy: ["loopback"] })).toBe(true);
  });

  test("an invalid setting is named", async () => {
    const settings = { PORT: "many", BASE_PATH: "chat", TRUST_PROXY: "everybody" };
    const open = createApp({ databaseUrl: site.databaseUrl, settings });
    await expect(open).rejects.toThrow(
      /PORT: must be a whole number from 0 to 65535; BASE_PATH: must look like \/chat; TRUST_PROXY: "everybody" is not an/,
    );
  });

  test.each([
    [{ PORT: "-1" }, "PORT: must be a whole number from 0 to 65535"],
    [{ CHATTERA_POOL: "2.5" }, "CHATTERA_POOL: must be a whole number from 2 to 100"],
    [{ CHATTERA_READERS: "0" }, "CHATTERA_READERS: must be a whole number, 1 or more"],
    [{ CHATTERA_BEAT_MS: "1001" }, "CHATTERA_BEAT_MS: must be a number from 0 to 1000"],
    [{ LOG_LEVEL: "loud" }, "LOG_LEVEL: must be one of fatal, error, warn, info, debug, trace, silent"],
    [{ CHATTERA_LIMITS: "yes" }, "CHATTERA_LIMITS: must be on or off"],
    [{ CHATTERA_METRICS_TOKEN: "short" }, "CHATTERA_METRICS_TOKEN: must be 16 characters or more"],
    [{ CHATTERA_SECRET: "sixteen characters,short" }, "CHATTERA_SECRET: each secret must be 16 characters or more"],
    [{ CHATTERA_HOSTS: "a.test,b/c" }, 'CHATTERA_HOSTS: "b/c" is not a host name like chat.example.org or'],
    [{ CHATTERA_ORIGINS: "https://a.test, b" }, 'CHATTERA_ORIGINS: "b" is not an origin like https://example.org'],
    [{ WORKERS: "many" }, "WORKERS: must be a whole number from 1 to 64"],
  ])("the invalid setting in %j is explained in one sentence", (settings, sentence) => {
    expect(() => readEnvironment(settings)).toThrow(sentence);
    expect(() => readEnvironment(settings)).not.toThrow(/; /);
  });
});

describe("as a library", () => {
  test("a test may wait for a stream's events and signals at once", async () => {
    const ann = await person(site.url, "Twice");
    const stream = await openStream(site.url, { room: "lobby" });
    await stream.signal("hello");
    const both = Promise.all([stream.events(2), stream.signal("ping")]);
    await say(site.url, ann, "woken");
    expect((await both)[0]).toMatchObject([{ kind: "enter" }, { text: "woken" }]);
    await stream.close();
  }, 4_000);

  test("supertest drives it without a port, and a stream is read without one", async () => {
    const app = await createApp({ databaseUrl: site.databaseUrl });
    const callback = app.callback();
    const { body } = await request(callback).post("/api/session").send({ nickname: "Portless" }).expect(201);
    const stream = await openStream(callback, { room: "lobby" });
    const message = { id: clientId(), text: "hello" };
    await request(callback)
      .post("/api/rooms/lobby/messages")
      .set("authorization", `Bearer ${body.token}`)
      .send(message)
      .expect(201);
    expect((await stream.events(2)).map((event) => event.kind)).toEqual(["enter", "message"]);
    await stream.close();
    await app.close();
  });

  test("it closes once, however often it is asked to", async () => {
    const app = await createApp({ databaseUrl: site.databaseUrl });
    const stream = await openStream(app.callback(), { room: "lobby" });
    await stream.signal("ping");
    const closing = app.close();
    expect(app.close()).toBe(closing);
    await closing;
    expect(app.close()).toBe(closing);
    await stream.close();
  }, 3_000);

  test("a closed app that is still mounted answers 503", async () => {
    const app = await createApp({ databaseUrl: site.databaseUrl });
    const callback = app.callback();
    await request(callback).get("/api/rooms/lobby").expect(200);
    await app.close();
    for (const path of ["/api/rooms/lobby", "/api/poll?room=lobby&wait=0", "/rooms/lobby"])
      await request(callback).get(path).expect(503);
  });

  test("it mounts in a host's app, alongside its routes and behind its body parser", async () => {
    const chat = await createApp({ databaseUrl: site.databaseUrl });
    const own = new Koa();
    own.use(async (ctx, next) => {
      if (ctx.get("content-type") === "application/json") Object.assign(ctx.request, { body: await jsonOf(ctx.req) });
      await next();
    });
    own.use(mount("/talk", chat));
    own.use((ctx) => {
      ctx.body = "mine";
    });
    const server = createServer(own.callback());
    expect((await request(server).get("/elsewhere")).text).toBe("mine");
    const page = await request(server).get("/talk/rooms/lobby").expect(200);
    expect(page.text).toContain('src="/talk/assets/');
    const { body } = await request(server).post("/talk/api/session").send({ nickname: "Mounted" }).expect(201);
    const message = { id: clientId(), text: "hello", token: body.token };
    await request(server).post("/talk/api/rooms/lobby/messages").send(message).expect(201);
    expect((await request(server).get("/talk/api/rooms/nowhere")).body.code).toBe("no_such_room");
    // Koa-mount passes on paths that the mounted app does not know.
    expect((await request(server).get("/talk/nothing")).text).toBe("mine");
    await chat.close();
  });
});

async function jsonOf(stream: AsyncIterable<Buffer>): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
}
