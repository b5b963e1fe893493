import { describe, expect, test } from "@jest/globals";
import request from "supertest";
import { openStream } from "../../server/testing.ts";
import { pruneAll } from "../../server/upkeep/pruning.ts";
import { clientId, openNode, openSite, person, say, type TestNode, type TestPerson } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";
import { whisper } from "../support/whisper.ts";

const site = useSite();

let rooms = 0;

type Owned = { slug: string; owner: TestPerson };

async function makeRoom(settings: object = {}): Promise<Owned> {
  rooms += 1;
  const slug = `set-${rooms}`;
  const owner = await person(site.url, `Holly${rooms}`);
  await as(owner, "post", "/api/rooms").send({ slug }).expect(201);
  if (Object.keys(settings).length > 0) await change({ slug, owner }, settings).expect(200);
  return { slug, owner };
}

/** Asks the first node, or the one at the beginning of an address. */
function as(who: TestPerson | undefined, method: "get" | "post", address: string) {
  const { origin, pathname, search } = new URL(address, site.url);
  const asked = request(origin)[method](pathname + search);
  return who === undefined ? asked : asked.set("authorization", `Bearer ${who.token}`);
}

function change({ slug, owner }: Owned, settings: object) {
  return as(owner, "post", `/api/rooms/${slug}/settings`).send(settings);
}

function post(who: TestPerson, room: Owned, message: string | { id: string; text: string }) {
  const sent = typeof message === "string" ? { id: clientId(), text: message } : message;
  return as(who, "post", `/api/rooms/${room.slug}/messages`).send(sent);
}

async function codeOf(answer: PromiseLike<{ status: number; body: { code?: string } }>): Promise<string | number> {
  const { status, body } = await answer;
  return body.code ?? status;
}

describe("a change of settings", () => {
  test("is said in the room, and shown to its readers at once, also to a poll that waits", async () => {
    const room = await makeRoom();
    const other = await openNode(site.databaseUrl);
    const stream = await openStream(other.url, { room: room.slug });
    const { body: first } = await as(undefined, "get", `/api/poll?room=${room.slug}&wait=0`);
    const waiting = request(other.url)
      .get(`/api/poll?room=${room.slug}&after=${first.cursor}&wait=50`)
      .then((a) => a);
    await change(room, { title: "Tea", slowSeconds: 10, pinned: "Be kind." }).expect(200);
    const shown = { room: room.slug, title: "Tea", slowSeconds: 10, pinned: "Be kind.", locked: false, raid: false };
    expect(await stream.signal("room")).toMatchObject(shown);
    const said = (await stream.events(3)).map(({ kind, text }) => [kind, text]);
    expect(said).toEqual([
      ["notice", "部屋の名前 (room name): Tea"],
      ["notice", "低速モード (slow mode): 10 秒 (s)"],
      ["notice", "お知らせ (announcement): Be kind."],
    ]);
    const { body } = await waiting;
    expect(body.events.length + body.signals.length).toBeGreaterThan(0);
    const { body: later } = await as(undefined, "get", `/api/poll?room=${room.slug}&wait=0`);
    expect(later.signals).toContainEqual(expect.objectContaining({ signal: "room", ...shown }));
    const { body: state } = await as(undefined, "get", `/api/rooms/${room.slug}`);
    expect(state.room).toMatchObject({ title: "Tea", slowSeconds: 10, pinned: "Be kind." });
    const { body: all } = await as(room.owner, "get", `/api/rooms/${room.slug}/settings`).expect(200);
    expect(all.settings).toMatchObject({ title: "Tea", slowSeconds: 10, links: true, password: false });
    await stream.close();
    await other.close();
  });

  test("to what is set already changes and says nothing", async () => {
    const room = await makeRoom({ links: false });
    const head = async () => (await as(undefined, "get", `/api/rooms/${room.slug}/messages`)).body.events.length;
    const before = await head();
    await change(room, { links: false, slowSeconds: 0 }).expect(200);
    expect(await head()).toBe(before);
  });

  test.each([
    {},
    { slowSeconds: -1 },
    { slowSeconds: 3601 },
    { slowSeconds: "soon" },
    { mayRead: "friends" },
    { links: "maybe" },
    { links: "" },
    { links: 0 },
    { links: null },
    { locked: 1 },
    { blockedWords: [1] },
    { blockedWords: Array.from({ length: 201 }, (_, n) => `w${n}`) },
    { pinned: "x".repeat(501) },
    { pinned: "\u0000" },
    { description: 1 },
    { title: "◆" },
    { keepDays: 0 },
    { password: "abc" },
  ])("that cannot be read is refused: %j", async (settings) => {
    const room = await makeRoom();
    expect(await codeOf(change(room, settings))).toBe("malformed");
  });

  test("takes a form", async () => {
    const room = await makeRoom();
    const form = { links: "0", blockedWords: "one\r\ntwo", slowSeconds: "5", password: "", keepDays: "" };
    const { body } = await as(room.owner, "post", `/api/rooms/${room.slug}/settings`)
      .type("form")
      .send(form)
      .expect(200);
    expect(body.settings).toMatchObject({
      ...{ links: false, blockedWords: ["one", "two"], slowSeconds: 5, password: false, keepDays: null },
    });
  });

  test("cannot take a reserved title, or that of another public room", async () => {
    const [one, other] = [await makeRoom({ title: "Green tea" }), await makeRoom()];
    expect(await codeOf(change(other, { title: "green TEA" }))).toBe("room_exists");
    expect(await codeOf(change(one, { title: "管理人" }))).toBe("reserved");
  });
});

describe("a password", () => {
  test("is asked of everyone but moderators, once for each session, at every node", async () => {
    const room = await makeRoom({ password: "open sesame" });
    const other = await openNode(site.databaseUrl);
    const ben = await person(site.url, "Ben");
    const read = (who: TestPerson | undefined, url = site.url) =>
      codeOf(as(who, "get", `${url}/api/rooms/${room.slug}/messages`));
    const give = (password: string) => as(ben, "post", `/api/rooms/${room.slug}/password`).send({ password });
    expect([await read(undefined), await read(ben)]).toEqual(["password_needed", "password_needed"]);
    expect(await read(room.owner)).toBe(200);
    expect(await codeOf(post(ben, room, "hi"))).toBe("password_needed");
    expect(await codeOf(give("open says me"))).toBe("wrong_password");
    await give("open sesame").expect(200);
    expect([await read(ben), await read(ben, other.url), await read(undefined)]).toEqual([200, 200, "password_needed"]);
    await post(ben, room, "hi").expect(201);
    const stream = await openStream(other.url, { room: room.slug, token: ben.token });
    await change(room, { password: "another one" }).expect(200);
    await expect(stream.signal("bye")).resolves.toMatchObject({ reason: "not_allowed" });
    expect(await read(ben)).toBe("password_needed");
    await change(room, { password: null }).expect(200);
    expect(await read(undefined)).toBe(200);
    const stored = await site.node.app.site.db("rooms").where({ slug: room.slug }).first("password");
    expect(stored).toEqual({ password: null });
    await stream.close();
    await other.close();
  });

  test("is known of a visitor's browser too", async () => {
    const room = await makeRoom({ password: "open sesame" });
    const browser = request.agent(site.url);
    const origin = { origin: site.url };
    await browser.post(`/api/rooms/${room.slug}/password`).set(origin).send({ password: "open sesame" }).expect(200);
    await browser.get(`/api/rooms/${room.slug}/messages`).expect(200);
    await request(site.url).get(`/api/rooms/${room.slug}/messages`).expect(403);
  });
});

describe("people in a room", () => {
  test("that is locked go on, come back, and nobody else enters", async () => {
    const room = await makeRoom();
    const [inside, outside] = [await person(site.url, "Ina"), await person(site.url, "Otis")];
    await post(inside, room, "I am in").expect(201);
    await change(room, { locked: true }).expect(200);
    await post(inside, room, "I still am").expect(201);
    expect(await codeOf(post(outside, room, "let me in"))).toBe("locked");
    expect(await codeOf(as(outside, "post", `/api/rooms/${room.slug}/enter`))).toBe("locked");
    await as(inside, "post", `/api/rooms/${room.slug}/leave`).expect(200);
    await as(inside, "post", `/api/rooms/${room.slug}/enter`).expect(200);
    await as(undefined, "get", `/api/rooms/${room.slug}/messages`).expect(200);
    await change(room, { locked: false }).expect(200);
    await post(outside, room, "hello").expect(201);
  });

  test("in slow mode have one message in a time, at all nodes together, and resends are answered", async () => {
    const room = await makeRoom({ slowSeconds: 600 });
    const other = await openNode(site.databaseUrl);
    const ann = await person(site.url, "Ann");
    const id = clientId();
    const { body: receipt } = await post(ann, room, { id, text: "one" }).expect(201);
    const refused = await post(ann, room, "two");
    expect([refused.status, refused.body.code]).toEqual([429, "slow_mode"]);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(590);
    const { body: resent } = await post(ann, room, { id, text: "one" }).expect(200);
    expect(resent.event).toEqual(receipt.event);
    const there = await as(ann, "post", `${other.url}/api/rooms/${room.slug}/messages`).send({
      id: clientId(),
      text: "3",
    });
    expect(there.body.code).toBe("slow_mode");
    const ben = await person(site.url, "Ben");
    const messages = ["a", "b", "c"].map((text) => ({ id: clientId(), text }));
    const { body } = await as(ben, "post", `/api/rooms/${room.slug}/messages`).send({ messages }).expect(200);
    const outcomes = body.results.map(({ code = "stored" }) => code);
    expect(outcomes).toEqual(["stored", "slow_mode", "slow_mode"]);
    await post(room.owner, room, "one").expect(201);
    await post(room.owner, room, "two").expect(201);
    await other.close();
  });

  test("who are new wait before they speak", async () => {
    const room = await makeRoom({ newcomerSeconds: 60 });
    const refused = await post(await person(site.url, "Newt"), room, "hi");
    expect([refused.status, refused.body.code]).toEqual([429, "too_new"]);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(50);
  });

  test("cannot send links and blocked words, however they are written, nor edit them in", async () => {
    const room = await makeRoom({ links: false, blockedWords: ["spam", "カジノ"] });
    const ann = await person(site.url, "Ann");
    for (const text of ["https://a.example", "see www.a.example.org", "mail ann@a.example.org", "ｈｔｔｐ：／／a.b"])
      expect([text, await codeOf(post(ann, room, text))]).toEqual([text, "no_links"]);
    for (const text of ["SPAM", "ｓｐａｍ", "s\u200bpam", "かじの", "ｶｼﾞﾉ"])
      expect([text, await codeOf(post(ann, room, text))]).toEqual([text, "blocked_word"]);
    const { body } = await post(ann, room, "fine, and 1/2 of it").expect(201);
    const edit = (text: string) =>
      codeOf(as(ann, "post", `/api/rooms/${room.slug}/messages/${body.event.seq}/edit`).send({ text }));
    expect([await edit("https://a.example"), await edit("spam"), await edit("fine")]).toEqual([
      "no_links",
      "blocked_word",
      201,
    ]);
    const messages = ["spam", "ham"].map((text) => ({ id: clientId(), text }));
    const batch = await as(ann, "post", `/api/rooms/${room.slug}/messages`).send({ messages });
    expect(batch.body.results.map(({ code = "stored" }) => code)).toEqual(["blocked_word", "stored"]);
    expect(await codeOf(as(await person(site.url, "Spamela"), "post", `/api/rooms/${room.slug}/enter`))).toBe(
      "nickname_invalid",
    );
    await post(room.owner, room, "https://a.example is spam").expect(201);
  });
});

test("messages are kept as long as the room says", async () => {
  const room = await makeRoom({ keepDays: 7 });
  const { db } = site.node.app.site;
  const friend = await person(site.url, "Friend");
  for (const who of [room.owner, friend]) await say(site.url, who, { room: room.slug, text: "old" });
  await whisper(site.url, room.owner, { room: room.slug, to: friend.id, text: "old whisper" });
  const { id } = await db("rooms").where({ slug: room.slug }).first("id");
  await db("events")
    .whereIn("room_id", db("rooms").where({ id }).orWhere({ parent_id: id }).select("id"))
    .update({ at: db.raw("now() - interval '8 days'") });
  await say(site.url, room.owner, { room: room.slug, text: "new" });
  await whisper(site.url, room.owner, { room: room.slug, to: friend.id, text: "new whisper" });
  await pruneAll(db, undefined);
  const { body } = await as(undefined, "get", `/api/rooms/${room.slug}/messages`);
  expect(body.events.map(({ text }: { text?: string }) => text)).toEqual(["new"]);
  for (const who of [room.owner, friend]) {
    const { body: own } = await as(who, "get", `/api/rooms/${room.slug}/whispers`);
    expect(own.events.map(({ text }: { text?: string }) => text)).toEqual(["new whisper"]);
  }
  const rest = await db("events").where("at", "<", db.raw("now() - interval '1 day'"));
  expect(rest).toEqual([]);
});

describe("a raid", () => {
  test("switches slow mode on, in which approved people go on", async () => {
    const raided = await openSite({ limits: true });
    const { url } = raided.nodes[0] as TestNode;
    const [ann, ben] = [await person(url, "Ann"), await person(url, "Ben")];
    const post = (who: TestPerson, path: string, body: object) =>
      request(url).post(`/api/rooms${path}`).set("authorization", `Bearer ${who.token}`).send(body);
    await post(ann, "", { slug: "tea" }).expect(201);
    await post(ann, "/tea/roles", { member: ben.id, role: "approved" }).expect(200);
    const raiders = await Promise.all(Array.from({ length: 15 }, (_, n) => person(url, `raider ${n}`)));
    const write = async (who: TestPerson) => {
      const { body } = await post(who, "/tea/messages", { id: clientId(), text: "raid" });
      return body.code ?? "stored";
    };
    const attack = () => Promise.all(raiders.map(write));
    for (let n = 0; n < 5; n += 1) await attack();
    await until("slow mode", async () => (await request(url).get("/api/rooms/tea")).body.room.raid);
    const answers = await attack();
    expect(answers.filter((code) => code === "slow_mode").length).toBeGreaterThanOrEqual(14);
    expect([await write(ben), await write(ben)]).toEqual(["stored", "stored"]);
    await raided.close();
  }, 30_000);
});

test.each([
  ["anyone", 201],
  ["operators", 403],
  ["nobody", 403],
])("CHATTERA_NEW_ROOMS=%s", async (newRooms, status) => {
  const node = await openNode(site.databaseUrl, { newRooms });
  const made = await request(node.url)
    .post("/api/rooms")
    .send({ slug: `new-${newRooms}` });
  expect(made.status).toBe(status);
  await node.close();
});

describe("a room that shows newcomers two messages", () => {
  test("shows them no more by any path, and everything to those who were there", async () => {
    const room = await makeRoom();
    const early = await person(site.url, "Early");
    for (const text of ["secret one", "secret two", "known three", "known four"])
      await post(early, room, text).expect(201);
    const { body: from } = await as(undefined, "get", `/api/poll?room=${room.slug}&wait=0`);
    const start = `${from.cursor.slice(0, from.cursor.indexOf("."))}.${from.cursor.match(/(\d+)-\d+$/)?.[1]}-0`;
    await site.node.app.site.db("events").update({ at: site.node.app.site.db.raw("at - interval '1 hour'") });
    const change0 = await change(room, { historyForNewcomers: 1 }).expect(200);
    expect(change0.body.settings.historyForNewcomers).toBe(1);
    await change(room, { historyForNewcomers: 3 }).expect(200);
    const paths = [
      `/api/rooms/${room.slug}/messages`,
      `/api/rooms/${room.slug}/messages?before=4`,
      `/api/rooms/${room.slug}/messages?around=2`,
      `/api/rooms/${room.slug}/messages?at=2000-01-01`,
      `/api/rooms/${room.slug}/search?text=secret`,
      `/api/poll?room=${room.slug}&wait=0&after=${start}`,
      `/api/rooms/${room.slug}/since?wait=0&after=${start}`,
      `/rooms/${room.slug}`,
      `/rooms/${room.slug}?before=4`,
      `/rooms/${room.slug}?reply=2`,
      `/rooms/${room.slug}/2`,
      `/rooms/${room.slug}/6`,
      `/rooms/${room.slug}/search?text=secret`,
      `/rooms/${room.slug}/log.txt`,
      `/rooms/${room.slug}/live?refresh=10`,
      `/rooms/${room.slug}/live/refresh=10/after=${start}`,
      `/api/rooms`,
    ];
    const late = await person(site.url, "Late");
    await as(late, "post", `/api/rooms/${room.slug}/enter`).expect(200);
    for (const path of paths)
      for (const headers of [{}, { cookie: late.cookie }]) {
        const { text } = await request(site.url).get(path).set(headers);
        expect([path, text.match(/secret (one|two)/)]).toEqual([path, null]);
      }
    const { body: seen } = await as(undefined, "get", `/api/rooms/${room.slug}/messages`);
    expect(seen.events.map(({ text }: { text?: string }) => text)).toContain("known four");
    const { body: poll } = await as(undefined, "get", `/api/poll?room=${room.slug}&wait=0&after=${start}`);
    expect(poll.reset).toMatchObject({ reason: "pruned", oldest: seen.oldest });
    const stream = await openStream(site.url, { room: room.slug, after: start });
    expect(await stream.signal("reset")).toMatchObject({ reason: "pruned", oldest: seen.oldest });
    await stream.close();
    const { body: all } = await as(room.owner, "get", `/api/rooms/${room.slug}/messages`);
    expect(all.events.some(({ text }: { text?: string }) => text === "secret one")).toBe(true);
    await post(late, room, "one more").expect(201);
    await post(late, room, "and another").expect(201);
    const { body: kept } = await as(late, "get", `/api/rooms/${room.slug}/messages`);
    expect(kept.oldest).toBe(seen.oldest);
  });

  test("lets a visitor who polls go on", async () => {
    const room = await makeRoom({ historyForNewcomers: 0 });
    let { body } = await as(undefined, "get", `/api/poll?room=${room.slug}&wait=0`);
    for (const text of ["one", "two", "three"]) {
      await post(room.owner, room, text).expect(201);
      body = (await as(undefined, "get", `/api/poll?room=${room.slug}&wait=0&after=${body.cursor}`)).body;
      expect(body.reset).toBeUndefined();
      expect(body.events.at(-1)).toMatchObject({ text });
    }
  });
});
