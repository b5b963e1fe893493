import { describe, expect, test } from "@jest/globals";
import request from "supertest";
import type { RoomEvent } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { clientId, person, say, type TestPerson } from "../support/app.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite({ graceSeconds: 4 });

const bearer = (who: TestPerson) => ({ authorization: `Bearer ${who.token}` });
const create = (body: object) => request(site.url).post("/api/rooms").send(body);
const enter = (who: TestPerson, room = "lobby") =>
  request(site.url)
    .post(`/api/rooms/${encodeURIComponent(room)}/enter`)
    .set(bearer(who));
const leave = (who: TestPerson, room = "lobby") =>
  request(site.url)
    .post(`/api/rooms/${encodeURIComponent(room)}/leave`)
    .set(bearer(who));
const state = async (room = "lobby") =>
  (
    await request(site.url)
      .get(`/api/rooms/${encodeURIComponent(room)}`)
      .expect(200)
  ).body;

describe("a room", () => {
  test("is created by its name, whose spellings are one name", async () => {
    const { body } = await create({ slug: "Ｔｅａ部屋_1", title: " お茶の部屋 " }).expect(201);
    expect(body.room).toEqual({ slug: "tea部屋_1", title: "お茶の部屋", public: true });
    expect((await create({ slug: "tea部屋_1" })).status).toBe(409);
    expect((await state("ＴＥＡ部屋_1")).room).toMatchObject({ slug: "tea部屋_1", title: "お茶の部屋" });
  });

  test.each(["", " ", "a b", "a/b", "a.b", "..", "a\0", "a;b", "é\u0301 ", "x".repeat(65), "🎉", "\ud800"])(
    "is not made under the name %j",
    async (slug) => {
      const { status, body } = await request(site.url).post("/api/rooms").type("json").send(JSON.stringify({ slug }));
      expect([status, body.code]).toEqual([400, "malformed"]);
    },
  );

  test.each([
    ...[{ public: "no" }, { public: null }, { public: 0 }, { public: 1 }, { words: "no" }, { silent: "yes" }],
    ...[{ silent: 1 }, { listed: "2" }, { listed: 0 }],
  ])("is not made where a choice cannot be read: %j", async (choice) => {
    const { status, body } = await create({ slug: "unclear", ...choice });
    expect([status, body.code]).toEqual([400, "malformed"]);
  });

  test.each([false, "false", "0"])("is by link only if `public` is %j", async (choice) => {
    const slug = `hidden-${typeof choice}-${choice}`;
    expect((await create({ slug, public: choice }).expect(201)).body.room.public).toBe(false);
  });

  test.each([
    ["a slug in other letters", { slug: "lоbby" }],
    ["a slug in other letters and a title of its own", { slug: "lоbby", title: "Another" }],
    ["decoration", { slug: "_lobby_" }],
    ["a title like a slug", { slug: "hall", title: "Lоbby!" }],
    ["a slug like a title", { slug: "the-parlor" }],
    ["a title like a title", { slug: "salon", title: "THE PARLOR." }],
    ["an unlisted slug", { slug: "parl0r", public: false }],
  ])("is not made to imitate another: %s", async (_, room) => {
    await create({ slug: "parlor", title: "The Parlor" });
    const { status, body } = await create(room);
    expect([status, body.code]).toEqual([409, "room_exists"]);
  });

  test.each(["text/plain", "TEXT/PLAIN; x=application/json", "application/x-www-form-urlencoded"])(
    "is not made by %s without a token, which a page of another site may send unseen",
    async (type) => {
      const body = type.startsWith("application") ? "slug=unasked" : JSON.stringify({ slug: "unasked" });
      const post = () => request(site.url).post("/api/rooms").set("content-type", type);
      const { status, body: refusal } = await post().send(body);
      expect([status, refusal.code]).toEqual([403, "forbidden"]);
      expect((await request(site.url).post("/api/rooms?slug=unasked")).status).toBe(403);
      await request(site.url).get("/api/rooms/unasked").expect(404);
    },
  );

  test.each(["text/plain", "application/x-www-form-urlencoded"])(
    "is made by %s with a token, and from a page of the site",
    async (type) => {
      const slugs = [`token-${type.length}`, `own-${type.length}`];
      const [first, second] = slugs.map((slug) => (type === "text/plain" ? JSON.stringify({ slug }) : `slug=${slug}`));
      const post = () => request(site.url).post("/api/rooms").set("content-type", type);
      const ann = await person(site.url, "Maker");
      expect((await post().set(bearer(ann)).send(first)).status).toBe(201);
      expect((await post().set("origin", site.url).send(second)).status).toBe(201);
    },
  );

  test("may be unlisted under a title that a public one has", async () => {
    await create({ slug: "music", title: "Music" }).expect(201);
    await create({ slug: "my-own-music", title: "Music", public: false }).expect(201);
    expect((await create({ slug: "more-music", title: "Music" })).body.code).toBe("room_exists");
  });

  test("is created once by concurrent requests for names that look alike", async () => {
    const asked = await Promise.all(["race", "rаce", "rасe", "raсe"].map((slug) => create({ slug })));
    expect(asked.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
  });

  test.each(["admin", "chattera", "公式", "the-officiаl-chat"])(
    "is not made under a reserved name: %s",
    async (slug) => {
      const { status, body } = await create({ slug });
      expect([status, body.code]).toEqual([409, "reserved"]);
      expect((await create({ slug: "some-other-name", title: slug })).body.code).toBe("reserved");
    },
  );

  test("may have an emoji family and a flag in its title", async () => {
    const { body } = await create({ slug: "family", title: "家族 👨‍👩‍👧‍👦 🇯🇵" }).expect(201);
    expect(body.room.title).toBe("家族 👨‍👩‍👧‍👦 🇯🇵");
  });

  test.each([
    ["slug", "\u1160"],
    ["slug", `a${"\u0316".repeat(50)}`],
    ["title", "\u3164"],
    ["title", "\u2800"],
    ["title", "Lobby\u034f"],
    ["title", "◆ News ◆"],
  ])("is not made under an invisible, towering or forged %s: %j", async (what, text) => {
    const { status, body } = await create({ slug: "fair", [what]: text });
    expect([status, body.code]).toEqual([400, "malformed"]);
  });

  test("is listed if it is public, with the number of people in it and the time of its last message", async () => {
    await create({ slug: "listed", title: "Listed" });
    await create({ slug: "hidden", title: "Hidden", public: false });
    const ann = await person(site.url, "Lister");
    await say(site.url, ann, { text: "x", room: "listed" });
    await say(site.url, ann, { text: "x", room: "hidden" });
    const { body } = await request(site.url).get("/api/rooms").expect(200);
    const rooms: { slug: string }[] = body.rooms;
    expect(rooms.find(({ slug }) => slug === "hidden")).toBeUndefined();
    expect(rooms.find(({ slug }) => slug === "listed")).toEqual({
      slug: "listed",
      title: "Listed",
      members: 1,
      visitors: 0,
      lastAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      people: [{ nickname: "Lister", color: expect.any(String) }],
      words: { nickname: "Lister", color: expect.any(String), text: "x" },
    });
    expect((await state("hidden")).members).toHaveLength(1);
  });
});

describe("entering and leaving", () => {
  test("are published once each, and repeated requests publish nothing", async () => {
    await create({ slug: "door" });
    const stream = await openStream(site.url, { room: "door" });
    const ann = await person(site.url, "Ann");
    for (let n = 0; n < 3; n += 1) await enter(ann, "door").expect(200);
    expect((await state("door")).members).toEqual([{ id: ann.id, nickname: "Ann", color: expect.any(String) }]);
    for (let n = 0; n < 2; n += 1) await leave(ann, "door").expect(200);
    await say(site.url, ann, { text: "and in again", room: "door" });
    const events = await stream.events(4);
    expect(events.map((event) => event.kind)).toEqual(["enter", "leave", "enter", "message"]);
    await stream.close();
  });

  test("a crowd that enters and speaks at once is published one by one, without a gap", async () => {
    await create({ slug: "crowd" });
    const crowd = await Promise.all(Array.from({ length: 25 }, (_, n) => person(site.url, `crowd ${n}`)));
    const entered = crowd.map((who) => enter(who, "crowd").expect(200));
    await Promise.all([...entered, ...crowd.map((who) => say(site.url, who, { text: "hello", room: "crowd" }))]);
    const { body } = await request(site.url).get("/api/rooms/crowd/messages?limit=200");
    const events: { seq: number; kind: string }[] = body.events;
    expect(events.map((event) => event.seq)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    expect(events.filter((event) => event.kind === "enter")).toHaveLength(25);
  });

  test("do not happen for a request whose nonce cannot be returned", async () => {
    await create({ slug: "nonce" });
    const ann = await person(site.url, "Ann");
    const entered = await request(site.url).post("/api/rooms/nonce/enter?n=%20").set(bearer(ann));
    expect([entered.status, (await state("nonce")).members]).toEqual([400, []]);
  });

  test("need a session", async () => {
    expect((await request(site.url).post("/api/rooms/lobby/enter")).body.code).toBe("no_session");
    expect((await request(site.url).post("/api/rooms/lobby/leave")).body.code).toBe("no_session");
  });

  test.each(["Kate", "ＫＡＴＥ", "kate", "K a t e", "Кate"])(
    "a nickname that looks like one in the room is refused: %s",
    async (nickname) => {
      await create({ slug: "looks" });
      const first = await person(site.url, "Kate");
      const kate = await request(site.url).post("/api/rooms/looks/enter").set(bearer(first));
      expect([200, 409]).toContain(kate.status);
      const { status, body } = await enter(await person(site.url, nickname), "looks");
      expect([status, body.code]).toEqual([409, "nickname_taken"]);
      const speaks = await request(site.url)
        .post("/api/rooms/looks/messages")
        .set(bearer(await person(site.url, nickname)))
        .send({ id: "12345678", text: "me too" });
      expect([speaks.status, speaks.body.code]).toEqual([409, "nickname_taken"]);
    },
  );

  test("a member speaks only under a nickname that it entered with: it enters first, or is refused", async () => {
    await create({ slug: "names" });
    const ann = await person(site.url, "Ann");
    const zed = await person(site.url, "Zed");
    for (const who of [ann, zed]) await enter(who, "names").expect(200);
    const renamed = async (nickname: string): Promise<TestPerson> => {
      const { body } = await request(site.url).post("/api/session").set(bearer(zed)).send({ nickname });
      return { ...zed, nickname, token: body.token };
    };
    const asAnn = await request(site.url)
      .post("/api/rooms/names/messages")
      .set(bearer(await renamed("Ann")))
      .send({ id: clientId(), text: "I am not Ann" });
    expect([asAnn.status, asAnn.body.code]).toEqual([409, "nickname_taken"]);
    for (const nickname of ["Zoe", "Zoe#secretive"])
      await say(site.url, await renamed(nickname), { text: `as ${nickname}`, room: "names" });
    const { body } = await request(site.url).get("/api/rooms/names/messages");
    const logged = body.events.map(({ kind, member }: RoomEvent) => [kind, member.nickname, member.trip !== undefined]);
    expect(logged).toEqual([
      ["enter", "Ann", false],
      ["enter", "Zed", false],
      ["leave", "Zed", false],
      ["enter", "Zoe", false],
      ["message", "Zoe", false],
      ["leave", "Zoe", false],
      ["enter", "Zoe", true],
      ["message", "Zoe", true],
    ]);
    expect((await state("names")).members.map((member: { nickname: string }) => member.nickname)).toEqual([
      "Ann",
      "Zoe",
    ]);
  });

  test("the same browser takes its nickname back at once, and the owner of the trip replaces their ghost", async () => {
    await create({ slug: "ghosts" });
    const tab = await person(site.url, "Casper#boo-boo-boo");
    await enter(tab, "ghosts").expect(200);
    const back = await request(site.url).post("/api/session").set(bearer(tab)).send({ nickname: "Casper#boo-boo-boo" });
    await request(site.url)
      .post("/api/rooms/ghosts/enter")
      .set("authorization", `Bearer ${back.body.token}`)
      .expect(200);
    expect((await state("ghosts")).members).toHaveLength(1);
    const phone = await person(site.url, "Casper#boo-boo-boo");
    await enter(phone, "ghosts").expect(200);
    expect((await state("ghosts")).members.map((member: { id: string }) => member.id)).toEqual([phone.id]);
    expect((await enter(await person(site.url, "Casper#another-one"), "ghosts")).status).toBe(409);
  });

  test("a new nickname is published as a leave and an enter", async () => {
    await create({ slug: "rename" });
    const before = await person(site.url, "Before");
    await enter(before, "rename");
    const stream = await openStream(site.url, { room: "rename" });
    const after = await request(site.url).post("/api/session").set(bearer(before)).send({ nickname: "After" });
    await request(site.url)
      .post("/api/rooms/rename/enter")
      .set("authorization", `Bearer ${after.body.token}`)
      .expect(200);
    const published = (await stream.events(2)).map((event) => [event.kind, event.member.nickname, event.member.id]);
    expect(published).toEqual([
      ["leave", "Before", before.id],
      ["enter", "After", before.id],
    ]);
    await stream.close();
  });
});

describe("presence", () => {
  test("a reader stays, a member that is gone for the grace time leaves, and a return within it publishes nothing", async () => {
    await create({ slug: "grace" });
    const [stays, leaves] = [await person(site.url, "Stays"), await person(site.url, "Leaves")];
    await enter(stays, "grace");
    await enter(leaves, "grace");
    const watcher = await openStream(site.url, { room: "grace", timeoutMs: 10_000 });
    const reading = await openStream(site.url, { room: "grace", token: stays.token });
    const shortly = await openStream(site.url, { room: "grace", token: leaves.token });
    await shortly.close();
    const again = await openStream(site.url, { room: "grace", token: leaves.token });
    await again.close();
    const [left] = await watcher.events(1);
    expect(left).toMatchObject({ kind: "leave", member: { nickname: "Leaves" } });
    expect((await state("grace")).members.map((member: { nickname: string }) => member.nickname)).toEqual(["Stays"]);
    for (const stream of [watcher, reading]) await stream.close();
  });

  test("a visitor is counted, and the count is published to everybody", async () => {
    await create({ slug: "watch" });
    const ann = await person(site.url, "Watched");
    await enter(ann, "watch");
    const member = await openStream(site.url, { room: "watch", token: ann.token });
    const watchers = await Promise.all([1, 2].map(() => openStream(site.url, { room: "watch" })));
    const figures = async () => {
      for (;;) {
        const signal = (await member.signal("members")) as { members: number; visitors: number };
        if (signal.visitors === 2) return signal;
      }
    };
    expect(await figures()).toEqual({ room: "watch", members: 1, visitors: 2 });
    expect((await state("watch")).visitors).toBe(2);
    for (const stream of [member, ...watchers]) await stream.close();
  });

  test("typing is published to the room and not logged", async () => {
    await create({ slug: "typing" });
    const ann = await person(site.url, "Typist");
    await enter(ann, "typing");
    const stream = await openStream(site.url, { room: "typing" });
    await request(site.url).post("/api/rooms/typing/typing").set(bearer(ann)).expect(200);
    expect(await stream.signal("typing")).toEqual({ room: "typing", nicknames: ["Typist"] });
    expect((await request(site.url).get("/api/rooms/typing/messages")).body.events).toHaveLength(1);
    const stranger = await person(site.url, "Stranger");
    expect((await request(site.url).post("/api/rooms/typing/typing").set(bearer(stranger))).status).toBe(403);
    await stream.close();
  });
});
