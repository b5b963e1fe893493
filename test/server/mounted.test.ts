import { createServer, type Server } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { bodyParser } from "@koa/bodyparser";
import Router from "@koa/router";
import Koa, { type Context, type Middleware } from "koa";
import { koaBody } from "koa-body";
import mount from "koa-mount";
import request from "supertest";
import { type App, createApp } from "../../server/index.ts";
import { openStream } from "../../server/testing.ts";
import { clientId } from "../support/app.ts";
import { createDatabase } from "../support/database.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let chat: App;
let server: Server;

beforeAll(async () => {
  database = await createDatabase();
  chat = await createApp({ database: database.url, limits: false });
});
afterEach(() => {
  server?.close();
});
afterAll(async () => {
  await chat?.close();
  await database?.drop();
});

/** Mounts the chat in an app of the host, behind its middleware. */
function hostWith(...middleware: Middleware[]): Server {
  const app = new Koa();
  for (const one of middleware) app.use(one);
  app.use(mount("/chat", chat));
  app.silent = true;
  server = createServer(app.callback());
  return server;
}

describe("behind a body parser of the host", () => {
  const parsers: [string, Middleware][] = [
    ["@koa/bodyparser", bodyParser() as Middleware],
    ["@koa/bodyparser for every type", bodyParser({ enableTypes: ["json", "form", "text"] }) as Middleware],
    ["koa-body", koaBody()],
    ["koa-body with the text", koaBody({ includeUnparsed: true })],
    ["no parser", (_, next) => next()],
  ];
  const json = JSON.stringify({ nickname: "Änn & Co" });
  const bodies = [
    ["application/json", json],
    ["application/json; charset=utf-8", json],
    ["text/plain;charset=UTF-8", json],
    ["application/x-www-form-urlencoded", "nickname=%C3%84nn+%26+Co"],
  ] as const;

  describe.each(parsers)("%s", (_, parser) => {
    test.each(bodies)("a body of %s is read", async (type, text) => {
      const asked = request(hostWith(parser)).post("/chat/api/session").set("content-type", type).send(text);
      expect((await asked.expect(201)).body.member.nickname).toBe("Änn & Co");
    });

    test("several messages in a form, an empty body, and one that is too long are answered as without it", async () => {
      const site = hostWith(parser);
      const { body: ann } = await request(site).post("/chat/api/session").send({ nickname: "Ann" }).expect(201);
      const say = (text: string) =>
        request(site)
          .post("/chat/api/rooms/lobby/messages")
          .set({ authorization: `Bearer ${ann.token}`, "content-type": "application/x-www-form-urlencoded" })
          .send(text);
      const { body } = await say(`id=${clientId()}&text=one&id=${clientId()}&text=two`).expect(200);
      expect(body.results.map(({ event }: { event: { text: string } }) => event.text)).toEqual(["one", "two"]);
      await say(`id=${clientId()}&text=${"x".repeat(65 * 1024)}`).expect(413);
      await request(site)
        .post("/chat/api/rooms/lobby/leave")
        .set({ authorization: `Bearer ${ann.token}` })
        .expect(200);
    });
  });
});

describe("what the host keeps in its context", () => {
  const MALLORY = { id: "mallory", nickname: "Mallory", color: "#000000" };

  test("is never taken for ours", async () => {
    const session = { member: MALLORY, by: "token", issuedAt: Date.now(), expiresAt: Infinity, since: 0, isDue: true };
    const trap: Middleware = (ctx, next) => {
      Object.assign(ctx.state, {
        ...{ session, source: "own", address: "203.0.113.1", base: "/evil", isFramable: true, host: "evil.example" },
        ...{ body: { nickname: "Mallory" }, query: new URLSearchParams("nickname=Mallory"), visit: "evil" },
        input: { text: () => "Mallory" },
      });
      Object.assign(ctx, {
        params: { room: "nowhere", nickname: "Mallory" },
        routerPath: "/evil",
        newRouterPath: "/evil",
      });
      return next();
    };
    const site = hostWith(trap);
    await request(site).post("/chat/api/rooms/lobby/messages").send({ id: clientId(), text: "hi" }).expect(401);
    const { text } = await request(site).get("/chat/rooms/lobby").expect(200);
    expect(text).not.toMatch(/evil|Mallory/);
    const { body } = await request(site).post("/chat/api/session").send({ nickname: "Ann" }).expect(201);
    expect(body.member.nickname).toBe("Ann");
  });

  test("stays as it was, also while a stream is open", async () => {
    const seen: Context[] = [];
    const frozen: Middleware = async (ctx, next) => {
      ctx.state = Object.freeze({ user: "ann" });
      seen.push(ctx);
      await next();
    };
    const site = hostWith(frozen);
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    const { port } = site.address() as { port: number };
    const stream = await openStream(`http://127.0.0.1:${port}/chat`, { room: "lobby" });
    await stream.signal("hello");
    await request(site).get("/chat/rooms/lobby").expect(200);
    await request(site).get("/chat/api/rooms/nowhere").expect(404);
    for (const ctx of seen) expect(ctx.state).toEqual({ user: "ann" });
    for (const ctx of seen) expect(ctx).not.toHaveProperty("params");
    await stream.close();
  });

  test("does not keep it from a mount below a router's parameters", async () => {
    const app = new Koa();
    const router = new Router();
    router.all("/teams/:room{/*path}", (ctx, next) => mount(`/teams/${ctx.params.room}`, chat)(ctx as Context, next));
    app.use(router.routes());
    server = createServer(app.callback());
    await request(server).get("/teams/red/api/rooms/lobby").expect(200);
    expect((await request(server).get("/teams/red/rooms/lobby").expect(200)).text).toContain('"/teams/red/assets/');
  });
});

test("the app has no way to the node's inner parts", () => {
  expect(chat).not.toHaveProperty("site");
});
