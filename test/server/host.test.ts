import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import Koa, { type Context } from "koa";
import mount from "koa-mount";
import request from "supertest";
import { openApp, siteRoutes } from "../../server/app.ts";
import { readOptions } from "../../server/config.ts";
import { type App, type AppOptions, createApp, type FollowedEvent, type LogReset } from "../../server/index.ts";
import { createLog } from "../../server/log.ts";
import { openNode, person, say } from "../support/app.ts";
import { createDatabase, query } from "../support/database.ts";
import { until } from "../support/until.ts";

const ANN = { id: "user-1", nickname: "Ann", color: "#123456" };

let database: Awaited<ReturnType<typeof createDatabase>>;
let chat: App;
let rooms = 0;

beforeAll(async () => {
  database = await createDatabase();
  chat = await createApp({ database: database.url, limits: false, siteName: "Tea" });
});
afterAll(async () => {
  await chat?.close();
  await database?.drop();
});

async function newRoom(): Promise<string> {
  rooms += 1;
  return (await chat.rooms.make({ slug: `room-${rooms}` })).slug;
}

/** Reads events until there are `count`. */
async function take(events: AsyncIterable<FollowedEvent>, count: number): Promise<FollowedEvent[]> {
  const taken: FollowedEvent[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}

const shapeOf = ({ seq, kind, text, member }: FollowedEvent) => [seq, kind, member.nickname, text];

describe("the host's own code", () => {
  test("posts as a user, says notices, and a resend of either changes nothing", async () => {
    const room = await newRoom();
    const first = await chat.post(room, ANN, { text: "hello", id: "host-0001" });
    expect(first).toMatchObject({ seq: 1, kind: "message", text: "hello", member: ANN });
    expect(await chat.post(room, ANN, { text: "hello", id: "host-0001" })).toEqual(first);
    expect(await chat.post(room, ANN, { text: "/roll 2d6", reply: 1 })).toMatchObject({ seq: 2, reply: 1 });
    const notice = await chat.notice(room, "Build 5 failed", { id: "build-0005", from: "CI" });
    expect(notice).toMatchObject({ seq: 3, kind: "notice", text: "Build 5 failed", member: { nickname: "CI" } });
    expect(await chat.notice(room, "Build 5 failed", { id: "build-0005", from: "CI" })).toEqual(notice);
    expect(await chat.notice(room, "Welcome")).toMatchObject({ seq: 4, member: { nickname: "Tea" } });
    const page = await request(chat.callback()).get(`/api/rooms/${room}/messages`).expect(200);
    expect(page.body.events).toHaveLength(4);
    expect((await request(chat.callback()).get(`/rooms/${room}`).expect(200)).text).toContain("Build 5 failed");
  });

  test.each([
    ["a room that is not there", () => chat.post("nowhere", ANN, "hello"), "no_such_room"],
    ["no text", () => chat.post("lobby", ANN, " "), "text_invalid"],
    ["a notice without text", () => chat.notice("lobby", ""), "text_invalid"],
    ["a room twice", () => chat.rooms.make({ slug: "LOBBY" }), "room_exists"],
  ])("is refused %s with a code", async (_, work, code) => {
    await expect(work()).rejects.toMatchObject({ code });
  });

  test.each([
    [{ ...ANN, id: "" }, "id:"],
    [{ ...ANN, nickname: "A#secret" }, "nickname:"],
    [{ ...ANN, nickname: "x".repeat(30) }, "nickname:"],
    [{ ...ANN, color: "red" }, "color:"],
  ])("gets a TypeError about the user %j", async (user, message) => {
    await expect(chat.post("lobby", user, "hello")).rejects.toThrow(message);
    expect(() => chat.tokenFor(user)).toThrow(TypeError);
  });

  test("lists rooms and people, also of rooms by link only", async () => {
    const { slug } = await chat.rooms.make({ slug: "back-room", title: "Back", public: false });
    expect(await chat.rooms.find("Back-Room")).toEqual({ slug, title: "Back", public: false, head: 0 });
    expect((await chat.rooms.list()).map((room) => room.slug)).toEqual(expect.arrayContaining(["lobby", slug]));
    expect(await chat.rooms.find("nowhere")).toBeUndefined();
    await chat.post(slug, ANN, "hello");
    expect(await chat.rooms.members(slug)).toMatchObject([ANN]);
  });

  test("changes a room's settings, which holds at once and is said in the room", async () => {
    const { slug } = await chat.rooms.make({ slug: "kept" });
    expect(await chat.rooms.settings(slug)).toMatchObject({ maySpeak: "everyone", slowSeconds: 0, password: false });
    const changed = await chat.rooms.change(slug, { maySpeak: "moderators", password: "open sesame" });
    expect(changed).toMatchObject({ maySpeak: "moderators", password: true, slowSeconds: 0 });
    const { body } = await request(chat.callback()).get(`/api/rooms/${slug}/messages`).expect(403);
    expect(body).toMatchObject({ code: "password_needed" });
    expect(await chat.rooms.change(slug, { password: null })).toMatchObject({ password: false });
    const { body: page } = await request(chat.callback()).get(`/api/rooms/${slug}/messages`).expect(200);
    expect(page.events.map(({ kind }: { kind: string }) => kind)).toEqual(["notice", "notice", "notice"]);
    await expect(chat.rooms.change(slug, { slowSeconds: -1 })).rejects.toMatchObject({ code: "malformed" });
    await expect(chat.rooms.change("nowhere", { links: false })).rejects.toMatchObject({ code: "no_such_room" });
  });

  test("makes a token for a user, whose name and color stay", async () => {
    const token = chat.tokenFor(ANN);
    const as = (path: string) => request(chat.callback()).post(path).set("authorization", `Bearer ${token}`);
    const { body } = await as("/api/rooms/lobby/messages").send({ id: "token-0001", text: "hi" }).expect(201);
    expect(body.event.member).toMatchObject(ANN);
    expect((await as("/api/session").send({ nickname: "Mallory" }).expect(403)).body.code).toBe("not_allowed");
    expect((await as("/api/rooms/lobby/rename").send({ nickname: "Mallory" })).status).toBe(403);
    expect((await as("/api/session").send({ nickname: "Ann" }).expect(201)).body.member).toEqual(ANN);
  });
});

describe("the events of a room", () => {
  test("are read from a cursor, a seq or now, from every node, and then as they come", async () => {
    const room = await newRoom();
    for (const text of ["one", "two", "three"]) await chat.post(room, ANN, text);
    const all = await take(chat.events(room, { after: 0 }), 3);
    expect(all.map(shapeOf)).toEqual([
      [1, "message", "Ann", "one"],
      [2, "message", "Ann", "two"],
      [3, "message", "Ann", "three"],
    ]);
    const after = all[1]?.cursor;
    expect((await take(chat.events(room, { after }), 1)).map(shapeOf)).toEqual([[3, "message", "Ann", "three"]]);

    const other = await openNode(database.url);
    const live = take(chat.events(room, { after: 3 }), 2);
    await say(other.url, await person(other.url, "Ben"), { text: "four", room });
    expect((await live).map(shapeOf)).toEqual([
      [4, "enter", "Ben", undefined],
      [5, "message", "Ben", "four"],
    ]);
    await other.close();
  });

  test("have no text that was erased while the host was busy with the event before", async () => {
    const room = await newRoom();
    const seqs = [];
    for (const text of ["one", "two", "three"]) seqs.push((await chat.post(room, ANN, text)).seq);
    const texts = [];
    for await (const event of chat.events(room, { after: 0 })) {
      texts.push(event.text);
      if (texts.length === 3) break;
      if (texts.length > 1) continue;
      const token = chat.tokenFor(ANN);
      for (const seq of seqs.slice(1))
        await request(chat.callback())
          .post(`/api/rooms/${room}/messages/${seq}/erase`)
          .set("authorization", `Bearer ${token}`)
          .send({})
          .expect(201);
      const begunAt = performance.now();
      await until("the host has been busy for a while", () => performance.now() - begunAt > 600);
    }
    expect(texts).toEqual(["one", undefined, undefined]);
  });

  test("end when their signal is aborted, and when the app is closed", async () => {
    const own = await createApp({ database: database.url });
    const abort = new AbortController();
    const ended = [take(own.events("lobby", { signal: abort.signal }), 9), take(own.events("lobby"), 9)];
    abort.abort();
    expect(await ended[0]).toEqual([]);
    await own.close();
    expect(await ended[1]).toEqual([]);
  });

  test("of another log, or no longer kept, are a LogReset with the cursor to continue at", async () => {
    const room = await newRoom();
    for (const text of ["one", "two", "three"]) await chat.post(room, ANN, text);
    await expect(take(chat.events(room, { after: "abcdef.1-2" }), 1)).rejects.toMatchObject({ reason: "epoch" });
    await query(
      database.url,
      `delete from events where text = 'one' and room_id = (select id from rooms where slug = '${room}');
       update rooms set pruned_seq = 1 where slug = '${room}'`,
    );
    const reset = await take(chat.events(room, { after: 0 }), 1).catch((error: unknown) => error);
    const { code, reason, cursor } = reset as LogReset;
    expect([code, reason]).toEqual(["reset", "pruned"]);
    expect((await take(chat.events(room, { after: cursor }), 2)).map(({ text }) => text)).toEqual(["two", "three"]);
  });

  test("are emitted by kind for all rooms, in order, and a listener that throws keeps none from the others", async () => {
    const own = await createApp({ database: database.url, limits: false });
    const heard: [string, number][] = [];
    own.on("message", ({ room, seq, cursor }) => {
      heard.push([room, seq]);
      if (!/^\w{6}\./.test(cursor)) throw new Error("no cursor");
      if (heard.length === 1) throw new Error("a bug of the host");
    });
    const [tea, coffee] = [await newRoom(), await newRoom()];
    const other = await openNode(database.url);
    for (let n = 1; n <= 3; n += 1) {
      await own.post(tea, ANN, `tea ${n}`);
      await chat.post(coffee, ANN, `coffee ${n}`);
    }
    await until("all are heard", () => heard.length === 6);
    for (const room of [tea, coffee])
      expect(heard.filter(([name]) => name === room).map(([, seq]) => seq)).toEqual([1, 2, 3]);
    await other.close();
    await own.close();
  });
});

describe("users of the host", () => {
  let server: Server;
  let own: App;
  afterEach(async () => {
    server?.close();
    server?.closeAllConnections();
    await own?.close();
  });

  /** Opens a host whose users are named in a cookie. */
  async function hostWith(options: Partial<AppOptions>): Promise<string> {
    own = await createApp({ limits: false, ...options, database: database.url } as AppOptions);
    const app = new Koa();
    app.use((ctx, next) => {
      ctx.state.user = ctx.cookies.get("user");
      return next();
    });
    app.use(mount("/chat", own));
    server = createServer(app.callback());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/chat`;
  }

  const identify = (ctx: Context) =>
    ctx.state.user ? { id: `user-${ctx.state.user}`, nickname: String(ctx.state.user), color: "#00aa00" } : null;
  const as = (user: string) => ({ cookie: `user=${user}` });

  test("have the host's name and color everywhere, and cannot change them", async () => {
    const url = await hostWith({ identify });
    const member = { id: "user-Cleo", nickname: "Cleo", color: "#00aa00" };
    expect((await request(url).get("/api/session").set(as("Cleo")).expect(200)).body.member).toEqual(member);
    const page = await request(url).get("/rooms/lobby").set(as("Cleo")).expect(200);
    expect(page.text).toContain("Cleo");
    const post = (path: string) => request(url).post(path).set(as("Cleo")).set("origin", new URL(url).origin);
    const said = await post("/api/rooms/lobby/messages").send({ id: "cleo-0001", text: "hi" }).expect(201);
    expect(said.body.event.member).toMatchObject(member);
    for (const nickname of ["Mallory", "cleo"]) await post("/api/session").send({ nickname }).expect(403);
    await post("/api/rooms/lobby/rename").send({ nickname: "Mallory" }).expect(403);
    await post("/rooms/lobby").type("form").send({ nickname: "Mallory" }).expect(403);
    const { body, headers } = await post("/api/session").send({ nickname: "Cleo" }).expect(201);
    expect(body.member).toEqual(member);
    expect(headers["set-cookie"]).toBeUndefined();
    // Signed out, the token is worth nothing.
    const bearer = { authorization: `Bearer ${body.token}` };
    await request(url).post("/api/rooms/lobby/messages").set(bearer).send({ id: "cleo-0002", text: "hi" }).expect(401);
  });

  test("are asked for by no other site's page", async () => {
    const url = await hostWith({ identify });
    const evil = { ...as("Cleo"), origin: "https://evil.example" };
    await request(url).post("/api/rooms/lobby/messages").set(evil).send({ id: "evil-0001", text: "hi" }).expect(403);
    await request(url).get("/api/rooms/lobby/say?id=evil-0002&text=hi").set(as("Cleo")).expect(401);
  });

  test("are joined by guests, who choose a nickname, and by the tokens of the host's server", async () => {
    const url = await hostWith({ identify });
    const guest = await person(url, "Guest");
    expect((await say(url, guest, "I am new")).event).toMatchObject({ text: "I am new" });
    const token = own.tokenFor({ id: "bot", nickname: "Robot" });
    const { body } = await request(url).get("/api/session").set("authorization", `Bearer ${token}`).expect(200);
    expect(body.member.nickname).toBe("Robot");
  });

  /** Every spelling of requests for a room that were seen to get past a middleware in front. */
  const SPELLINGS = [
    ...["/api/rooms/secret/messages", "/api/rooms/Secret/messages", "/api/rooms/%73ecret/messages"],
    ...["/api/rooms/SECRET/messages", "/api/rooms/ｓｅｃｒｅｔ/messages", "/api/poll?room=secret&wait=0"],
    ...["/api/poll;room=secret;wait=0", "/api/poll?room=SECRET&wait=0", "/api/poll;room64=c2VjcmV0;wait=0"],
    ...["/api/poll?room=lobby&room=secret&wait=0", "/api/poll?room=%EF%BC%B3ecret&wait=0", "/rooms/secret"],
    ...["/rooms/SECRET", "/rooms/secret/live", "/rooms/secret/1", "/rooms/secret/search?q=hi", "/api/rooms/secret"],
    ...[
      "/api/rooms/secret/members",
      "/api/rooms/secret/since?wait=0",
      "/api/events?room=secret",
      "/api/stream?room=secret",
    ],
  ];

  test("are let in where authorize allows it, by whatever spelling a room is asked for", async () => {
    const asked = new Set<string>();
    const url = await hostWith({
      identify,
      authorize: ({ member, room, act, ctx }) => {
        asked.add(`${act} ${room?.slug}`);
        return room?.slug !== "secret" || (member?.id === "user-Cleo" && ctx.state.user === "Cleo");
      },
    });
    const { slug } = (await own.rooms.find("secret")) ?? (await own.rooms.make({ slug: "secret", public: false }));
    await own.post(slug, ANN, "the plan");
    const post = (path: string, user: string) =>
      request(url).post(path).set(as(user)).set("origin", new URL(url).origin);
    for (const path of SPELLINGS) {
      const { status, text } = await request(url)
        .get(encodeURI(decodeURI(path)))
        .set(as("Dora"))
        .redirects(2);
      expect([path, status === 403 || status === 404, text.includes("the plan")]).toEqual([path, true, false]);
    }
    for (const name of ["secret", "SECRET", "%73ecret", "ｓecret"]) {
      const path = `/api/rooms/${encodeURI(decodeURI(name))}`;
      const said = await post(`${path}/messages`, "Dora").send({ id: "dora-0001", text: "let me in" });
      expect([name, said.status === 403 || said.status === 404]).toEqual([name, true]);
      expect([403, 404]).toContain((await post(`${path}/enter`, "Dora")).status);
    }
    await post("/api/poll", "Dora").send({ room: "secret", wait: 0 }).expect(403);
    await post("/api/rooms/lobby/messages", "Dora").send({ id: "dora-0002", text: "hello" }).expect(201);

    const page = await request(url).get("/api/rooms/Secret/messages").set(as("Cleo"));
    expect(page.status === 404 || page.body.events[0].text === "the plan").toBe(true);
    await post("/api/rooms/secret/messages", "Cleo").send({ id: "cleo-0003", text: "I am in" }).expect(201);
    const stored = await take(own.events("secret", { after: 0 }), 3);
    expect(stored.map(({ text }) => text)).toEqual(["the plan", undefined, "I am in"]);
    for (const one of ["read secret", "enter secret", "speak secret", "speak lobby"]) expect(asked).toContain(one);
  }, 30_000);

  test("are kept from every route of a room that authorize refuses, in each way to ask it", async () => {
    const config = readOptions({ databaseUrl: database.url, limits: false });
    const authorize: AppOptions["authorize"] = ({ room, member }) => room?.slug !== "vault" || member?.id === ANN.id;
    const byCookie = (ctx: Context) =>
      identify(Object.assign(Object.create(ctx), { state: { user: ctx.cookies.get("user") } }));
    const { app, site } = await openApp(config, { logger: createLog("silent"), identify: byCookie, authorize });
    own = app;
    server = createServer(app.callback());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await own.rooms.make({ slug: "vault", title: "Vault" });
    await own.post("vault", ANN, "the plan");
    const before = await vaultAsStored();
    const routes = siteRoutes(site).flatMap(({ path, ...route }) =>
      [path].flat().map((one) => ({ ...route, path: one })),
    );
    // The sign of life of a page without a script is a picture, the same for everybody.
    const ofRooms = routes.filter(({ path }) => path.includes(":room") && !path.endsWith("/live/sign"));
    expect(ofRooms.length).toBeGreaterThan(50);
    for (const { method, path, guards } of ofRooms) {
      const filled = path
        .replace(":seq", "1")
        .replace(":member", ANN.id)
        .replace(/:(?!room)\w+/g, "abcdefgh");
      const token = site.tokens.formToken("user-Dora");
      const fields = {
        id: "dora-0009",
        text: "hi",
        q: "plan",
        nickname: "Dora",
        to: ANN.id,
        key: "x",
        title: "Mine",
        token,
      };
      for (const name of ["vault", "VAULT", "ｖault"]) {
        const address = `${filled.replace(":room", encodeURIComponent(name))}?q=plan&offset=-1&wait=0${guards.jsonp ? "&callback=f" : ""}`;
        const headers = { ...as("Dora"), origin: url };
        const asked = method === "GET" ? request(url).get(address) : request(url).post(address.split("?")[0] as string);
        const sent =
          method === "GET" ? asked : asked.type(guards.api ? "json" : "form").send({ ...fields, form_token: token });
        const { status, body: text } = await sent
          .set(headers)
          .redirects(method === "GET" ? 2 : 0)
          .buffer(true)
          .parse(readText);
        const isRefused = status >= 400 || /"code":"(not_allowed|no_such_\w+|malformed)"/.test(text);
        expect([method, address, status, isRefused, text.includes("the plan")]).toEqual([
          method,
          address,
          status,
          true,
          false,
        ]);
      }
    }
    expect(await vaultAsStored()).toEqual(before);
  }, 120_000);

  /** Reads any answer as text. */
  function readText(answer: request.Response, done: (error: Error | null, text: string) => void): void {
    let text = "";
    const source = answer as unknown as NodeJS.ReadableStream;
    source.setEncoding("utf8");
    source.on("data", (part) => {
      text += part;
    });
    source.on("end", () => done(null, text));
  }

  async function vaultAsStored(): Promise<unknown> {
    return query(
      database.url,
      `select r.last_seq, r.title, r.settings, (select count(*) from members m where m.room_id = r.id) as members,
         (select count(*) from roles o where o.room_id = r.id) as roles
       from rooms r where slug = 'vault'`,
    );
  }

  test("see the people and the last words of rooms that they may read", async () => {
    const url = await hostWith({ authorize: ({ room, act }) => act === "see" || room?.slug === "lobby" });
    await own.rooms.make({ slug: "cellar" });
    await own.post("cellar", ANN, "the plan");
    const { body } = await request(url).get("/api/rooms").expect(200);
    const cellar = body.rooms.find(({ slug }: { slug: string }) => slug === "cellar");
    expect(cellar).toMatchObject({ slug: "cellar", people: [], words: null });
    expect((await request(url).get("/").expect(200)).text).not.toContain("the plan");
  });

  test("make rooms where authorize allows it, and a hidden room is not there", async () => {
    const url = await hostWith({
      authorize: ({ room, act }) => act !== "create" && (room?.slug === "lobby" || "no_such_room"),
    });
    const made = await request(url).post("/api/rooms").send({ slug: "attic" }).expect(403);
    expect(made.body.code).toBe("not_allowed");
    await own.rooms.make({ slug: "attic" });
    expect((await request(url).get("/api/rooms/attic").expect(404)).body.code).toBe("no_such_room");
    expect(JSON.stringify((await request(url).get("/api/rooms").expect(200)).body)).not.toContain("attic");
    expect((await request(url).get("/").expect(200)).text).not.toContain("attic");
    await request(url).get("/api/rooms/lobby").expect(200);
  });
});
