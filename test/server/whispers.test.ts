import { runInNewContext } from "node:vm";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { readNewInboxes } from "../../db/log/whispers.ts";
import type { HelloSignal, PollAnswer, RoomEvent } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { removeInboxes, removeRooms } from "../../server/upkeep/room-removal.ts";
import { clientId, openNode, person, say, type TestPerson } from "../support/app.ts";
import { query } from "../support/database.ts";
import { blocks, follow, scripts } from "../support/follow.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";
import { tryWhisper, whisper } from "../support/whisper.ts";

const site = useSite();
let rooms = 0;
let ann: TestPerson;
let ben: TestPerson;
let cai: TestPerson;

beforeAll(async () => {
  [ann, ben, cai] = (await Promise.all(["Ann", "Ben", "Cai"].map((name) => person(site.url, name)))) as [
    TestPerson,
    TestPerson,
    TestPerson,
  ];
});

/** Opens a room with Ann, Ben and Cai in it, and returns its name and the cursor behind them. */
async function openRoom(): Promise<{ room: string; cursor: string }> {
  rooms += 1;
  const room = `whispers-${rooms}`;
  await site.node.app.site.db("rooms").insert({ slug: room, title: room, skeleton: room });
  for (const who of [ben, cai]) await say(site.url, who, { room, text: "here" });
  return { room, cursor: (await say(site.url, ann, { room, text: "here" })).cursor };
}

const texts = (events: RoomEvent[]) => events.map(({ text }) => text);
const bearer = (who: TestPerson) => ({ authorization: `Bearer ${who.token}` });

async function get(path: string, who?: TestPerson): Promise<{ status: number; text: string; body: never }> {
  const response = await fetch(site.url + path, { headers: who ? bearer(who) : {} });
  const text = await response.text();
  return { status: response.status, text, body: (text.startsWith("{") ? JSON.parse(text) : undefined) as never };
}

describe("a whisper", () => {
  test("is stored in the inboxes of the two, under seqs of their own", async () => {
    const { room } = await openRoom();
    const { event } = await whisper(site.url, ann, { room, to: ben.id, text: "psst" });
    expect(event).toMatchObject({
      room: `@${room}`,
      seq: 1,
      kind: "whisper",
      text: "psst",
      member: { id: ann.id, nickname: "Ann" },
      to: { id: ben.id, nickname: "Ben" },
    });
    const { events } = (await get(`/api/rooms/${room}/whispers`, ben)).body as { events: RoomEvent[] };
    const { id: _own, ...same } = event;
    expect(events).toEqual([same]);
    await whisper(site.url, cai, { room, to: ben.id, text: "me too" });
    const both = (await get(`/api/rooms/${room}/whispers`, ben)).body as { events: RoomEvent[] };
    expect(both.events.map(({ seq, text }) => [seq, text])).toEqual([
      [1, "psst"],
      [2, "me too"],
    ]);
  });

  test("is stored once, however often it is sent, also after the receiver has left", async () => {
    const { room } = await openRoom();
    const id = clientId();
    const sent = await Promise.all([1, 2, 3].map(() => tryWhisper(site.url, ann, { room, to: ben.id, text: "1", id })));
    expect(sent.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    await fetch(`${site.url}/api/rooms/${room}/leave`, { method: "POST", headers: bearer(ben) });
    const again = await tryWhisper(site.url, ann, { room, to: ben.id, text: "1", id });
    expect(again).toEqual({ status: 200, body: { ...sent[0]?.body } });
    const { events } = (await get(`/api/rooms/${room}/whispers`, ben)).body as { events: RoomEvent[] };
    expect(texts(events)).toEqual(["1"]);
  });

  test("needs a receiver in the room, and a text", async () => {
    const { room } = await openRoom();
    const stranger = await person(site.url, "Dan");
    const refused = async (asked: { to?: string; text: string }, who = ann) => {
      const { status, body } = await tryWhisper(site.url, who, { room, ...asked });
      return [status, body.code];
    };
    expect(await refused({ to: stranger.id, text: "psst" })).toEqual([404, "no_such_member"]);
    expect(await refused({ to: "nobody", text: "psst" })).toEqual([404, "no_such_member"]);
    expect(await refused({ to: ann.id, text: "psst" })).toEqual([400, "malformed"]);
    expect(await refused({ to: ben.id, text: " " })).toEqual([400, "text_invalid"]);
    expect(await refused({ text: "hello" })).toEqual([404, "no_such_member"]);
    const { status } = await tryWhisper(site.url, ann, { room: "nowhere", to: ben.id, text: "psst" });
    expect(status).toBe(404);
    // An author who is not in the room enters it, as with a message.
    expect((await tryWhisper(site.url, stranger, { room, to: ben.id, text: "psst" })).status).toBe(201);
  });

  test.each([
    ["/w Ben hello you", "hello you"],
    ["/W @ben  hello", "hello"],
    ["／ｗ　Ｂｅｎ　こんにちは", "こんにちは"],
    ["/whisper Ben /w Ben", "/w Ben"],
    ["/ささやき Ben ねえ", "ねえ"],
  ])("can be sent as a message, by the command %j", async (command, text) => {
    const { room, cursor } = await openRoom();
    const { event } = await say(site.url, ann, { room, text: command });
    expect(event).toMatchObject({ kind: "whisper", text, to: { id: ben.id } });
    const { body } = await get(`/api/poll?room=${room}&wait=0&after=${cursor}`);
    expect(body).toMatchObject({ events: [] });
  });

  test("by command names the longest nickname that fits, and is never said aloud", async () => {
    const { room } = await openRoom();
    const ada = await person(site.url, "Ada");
    const long = await person(site.url, "Ada Ben Cai");
    for (const who of [ada, long]) await say(site.url, who, { room, text: "here" });
    expect((await say(site.url, ann, { room, text: "/w Ada Ben Cai and you" })).event).toMatchObject({
      text: "and you",
      to: { id: long.id },
    });
    expect((await say(site.url, ann, { room, text: "/w Ada Ben and you" })).event).toMatchObject({
      text: "Ben and you",
      to: { id: ada.id },
    });
    for (const text of ["/w", "/w ", "/w Nobody psst", "/w Ada", "／ｗ"])
      await expect(say(site.url, ann, { room, text })).rejects.toThrow(/no_such_member|text_invalid/);
    expect((await say(site.url, ann, { room, text: "/web is a word" })).event).toMatchObject({ kind: "message" });
  });

  test("can be one of several messages, and is refused alone", async () => {
    const { room } = await openRoom();
    const messages = ["one", "/w Ben two", "/w Nobody three", "four"].map((text) => ({ id: clientId(), text }));
    const response = await fetch(`${site.url}/api/rooms/${room}/messages`, {
      method: "POST",
      headers: { ...bearer(ann), "content-type": "application/json" },
      body: JSON.stringify({ messages }),
    });
    const { results } = (await response.json()) as { results: object[] };
    expect(results).toMatchObject([
      { event: { kind: "message", text: "one" } },
      { event: { kind: "whisper", text: "two" } },
      { code: "no_such_member" },
      { event: { kind: "message", text: "four" } },
    ]);
  });

  test("can be sent by GET, with a token or a ticket and never by the cookie", async () => {
    const { room } = await openRoom();
    const path = `/api/rooms/${room}/whisper?id=${clientId()}&text=psst&to=${ben.id}`;
    expect((await fetch(site.url + path, { headers: { cookie: ann.cookie } })).status).toBe(401);
    expect((await get(`${path}&token=${ann.token}`)).status).toBe(201);
    const { events } = (await get(`/api/rooms/${room}/whispers`, ben)).body as { events: RoomEvent[] };
    expect(texts(events)).toEqual(["psst"]);
  });
});

describe("nobody else", () => {
  test("reads a whisper anywhere: not in the room's log, its history, its search, its text, its pages or the lobby", async () => {
    const { room, cursor } = await openRoom();
    const secret = "zebra crossing";
    await whisper(site.url, ann, { room, to: ben.id, text: secret });
    await whisper(site.url, ben, { room, to: ann.id, text: secret });
    const paths = [
      `/api/poll?room=${room}&wait=0&after=${cursor}`,
      `/api/rooms/${room}/since?wait=0&after=${cursor}`,
      `/api/rooms/${room}/messages`,
      `/api/rooms/${room}/messages?around=1`,
      `/api/rooms/${room}/whispers`,
      `/api/rooms/${room}/search?text=zebra`,
      `/api/rooms/${room}`,
      `/api/rooms`,
      `/rooms/${room}`,
      `/rooms/${room}/1`,
      `/rooms/${room}/live/refresh=5`,
      `/rooms/${room}?before=100`,
      `/rooms/${room}/log.txt`,
      `/rooms/${room}/search?text=zebra`,
      `/`,
      `/metrics`,
    ];
    for (const path of paths)
      for (const who of [undefined, cai]) expect((await get(path, who)).text).not.toContain("crossing");
  });

  test("can name an inbox as a room", async () => {
    const { room } = await openRoom();
    await whisper(site.url, ann, { room, to: ben.id, text: "psst" });
    for (const name of [`@${room}`, `@${room}.${ben.id}`])
      for (const path of ["/api/poll?wait=0&room=", "/api/events?room=", "/api/rooms/", "/rooms/"])
        expect((await get(path + encodeURIComponent(name), ben)).status).toBe(404);
  });

  test("gets it with a cursor that names the inbox", async () => {
    const { room } = await openRoom();
    const { cursor } = await whisper(site.url, ann, { room, to: ben.id, text: "psst" });
    await whisper(site.url, ann, { room, to: ben.id, text: "again" });
    expect((await get(`/api/poll?room=${room}&wait=0&after=${cursor}`, cai)).text).not.toContain("again");
  });

  test("gets it by a script that an old browser would run on another site's page", async () => {
    const { room, cursor } = await openRoom();
    await whisper(site.url, ann, { room, to: ben.id, text: "psst" });
    const read = async (headers: { [name: string]: string }) => {
      const path = `/api/poll?room=${room}&wait=0&after=${cursor}&callback=take`;
      return (await fetch(site.url + path, { headers: { cookie: ben.cookie, ...headers } })).text();
    };
    expect(await read({})).not.toContain("psst");
    expect(await read({ referer: `${site.url}/rooms/${room}` })).toContain("psst");
    const history = async (path: string) =>
      (await fetch(`${site.url}/api/rooms/${room}/${path}?callback=take`, { headers: { cookie: ben.cookie } })).text();
    expect(await history("messages")).not.toContain("psst");
    expect(await history("whispers")).not.toContain("psst");
  });

  test("finds an inbox among the rooms, or loses a place for a room to it", async () => {
    const { room } = await openRoom();
    await whisper(site.url, ann, { room, to: ben.id, text: "psst" });
    const { body } = (await get("/api/rooms")) as { body: { rooms: { slug: string }[] } };
    expect(body.rooms.map(({ slug }) => slug).filter((slug) => slug.startsWith("@"))).toEqual([]);
    expect((await get("/metrics")).text).not.toContain(ben.id);
  });
});

/** A reader by whatever transport, with a token. */
type Reading = { events(count: number): Promise<RoomEvent[]>; cursor(): string; close(): Promise<void> };
type Open = (room: string, after: string | undefined, token: string) => Promise<Reading>;

const streams = (path: string, more: { [name: string]: string }, parse: Parameters<typeof follow>[2]): Open => {
  return (room, after, token) =>
    follow(path, { ...more, token }, parse)(site.url, { room, ...(after !== undefined && { after }) });
};

const polls =
  (take: (text: string) => PollAnswer, more = ""): Open =>
  async (room, after, token) => {
    let cursor = after ?? "";
    const read: RoomEvent[] = [];
    await poll(0);
    return {
      events: async (count) => {
        while (read.length < count) await poll(5);
        return read.splice(0, count);
      },
      cursor: () => cursor,
      close: async () => undefined,
    };

    async function poll(wait: number): Promise<void> {
      const position = cursor === "" ? "" : `&after=${cursor}`;
      const path = `/api/poll?room=${room}&wait=${wait}&token=${token}${position}${more}`;
      const answer = take(await (await fetch(site.url + path)).text());
      read.push(...answer.events);
      cursor = answer.cursor;
    }
  };

const script = (text: string): PollAnswer => {
  const answers: PollAnswer[] = [];
  runInNewContext(text, { take: (answer: PollAnswer) => answers.push(JSON.parse(JSON.stringify(answer))) });
  return answers[0] as PollAnswer;
};

const TRANSPORTS: [string, Open][] = [
  ["event stream", streams("/api/events", {}, blocks)],
  ["byte stream", streams("/api/stream", { max: "16384" }, blocks)],
  ["frame", streams("/api/frame", { callback: "parent.take" }, scripts)],
  ["poll", polls((text) => JSON.parse(text))],
  ["poll by script", polls(script, "&callback=take")],
];

describe.each(TRANSPORTS)("by %s, a member", (_name, open) => {
  test("gets its first whisper at once, and a third reader does not", async () => {
    const { room, cursor } = await openRoom();
    const [atBen, atCai] = [await open(room, cursor, ben.token), await open(room, cursor, cai.token)];
    const reading = atBen.events(2);
    await whisper(site.url, ann, { room, to: ben.id, text: "first" });
    await whisper(site.url, ann, { room, to: ben.id, text: "second" });
    expect(await reading).toMatchObject([
      { room: `@${room}`, seq: 1, text: "first" },
      { room: `@${room}`, seq: 2, text: "second" },
    ]);
    await say(site.url, ann, { room, text: "for all" });
    expect(texts(await atBen.events(1))).toEqual(["for all"]);
    expect(texts(await atCai.events(1))).toEqual(["for all"]);
    for (const reader of [atBen, atCai]) await reader.close();
  });

  test("continues in both logs from one cursor", async () => {
    const { room, cursor } = await openRoom();
    await whisper(site.url, ann, { room, to: ben.id, text: "w1" });
    const before = await open(room, cursor, ben.token);
    expect(texts(await before.events(1))).toEqual(["w1"]);
    await say(site.url, ann, { room, text: "m1" });
    expect(texts(await before.events(1))).toEqual(["m1"]);
    const position = before.cursor();
    await before.close();
    await whisper(site.url, ann, { room, to: ben.id, text: "w2" });
    await say(site.url, ann, { room, text: "m2" });
    await whisper(site.url, cai, { room, to: ben.id, text: "w3" });
    const after = await open(room, position, ben.token);
    const read = texts(await after.events(3));
    expect(read.filter((text) => text?.startsWith("w"))).toEqual(["w2", "w3"]);
    expect([...read].sort()).toEqual(["m2", "w2", "w3"]);
    await whisper(site.url, ben, { room, to: ann.id, text: "w4" });
    expect(await after.events(1)).toMatchObject([{ text: "w4", member: { id: ben.id } }]);
    await after.close();
  });

  test("reads on from the head of both logs without a cursor", async () => {
    const { room } = await openRoom();
    await whisper(site.url, ann, { room, to: ben.id, text: "before" });
    const reader = await open(room, undefined, ben.token);
    await whisper(site.url, ann, { room, to: ben.id, text: "after" });
    expect(texts(await reader.events(1))).toEqual(["after"]);
    await reader.close();
  });
});

test("a poll on a kept connection is answered with the first whisper, and with those that follow", async () => {
  const { room, cursor } = await openRoom();
  const wire = new RawConnection(site.url);
  const ask = (after: string) => wire.ask(`/api/poll?room=${room}&after=${after}&n=1&token=${ben.token}`);
  const waits = () => until("the poll waits", () => site.node.app.site.hub.readers.size === 1);
  ask(cursor);
  await waits();
  await say(site.url, ann, { room, text: "kept from now on" });
  let { body } = await wire.answer();
  ask(body.cursor);
  await waits();
  await whisper(site.url, ann, { room, to: ben.id, text: "w1" });
  ({ body } = await wire.answer());
  expect(texts(body.events)).toEqual(["w1"]);
  await whisper(site.url, ann, { room, to: ben.id, text: "between two polls" });
  ask(body.cursor);
  ({ body } = await wire.answer());
  expect(texts(body.events)).toEqual(["between two polls"]);
  await say(site.url, ann, { room, text: "m1" });
  ask(body.cursor);
  ({ body } = await wire.answer());
  expect(texts(body.events)).toEqual(["m1"]);
  wire.socket.destroy();
});

test("a stream's hello and pings name the inbox, and its cursor is valid at another node", async () => {
  const { room } = await openRoom();
  await whisper(site.url, ann, { room, to: ben.id, text: "w1" });
  const stream = await openStream(site.url, { room, token: ben.token });
  const { heads, cursor } = (await stream.signal("hello")) as HelloSignal;
  expect(heads).toEqual({ [room]: 6, [`@${room}`]: 1 });
  expect(await stream.signal("ping")).toMatchObject({ heads, cursor });
  await stream.close();
  await whisper(site.url, ann, { room, to: ben.id, text: "w2" });
  const other = await openNode(site.databaseUrl);
  const there = await openStream(other.url, { room, after: cursor, token: ben.token });
  expect(texts(await there.events(1))).toEqual(["w2"]);
  await there.close();
  await other.close();
});

test("a reader of eight rooms gets the whispers of all of them, and continues", async () => {
  const opened = [];
  for (let n = 0; n < 8; n += 1) opened.push(await openRoom());
  const names = opened.map(({ room }) => room);
  for (const room of names) await whisper(site.url, ann, { room, to: ben.id, text: `before ${room}` });
  const stream = await openStream(site.url, { room: names, token: ben.token });
  for (const room of names) {
    await whisper(site.url, ann, { room, to: ben.id, text: room });
    expect(texts(await stream.events(1))).toEqual([room]);
  }
  const after = stream.cursor();
  await stream.close();
  for (const room of names) await whisper(site.url, ann, { room, to: ben.id, text: `later ${room}` });
  const next = await openStream(site.url, { room: names, token: ben.token, after });
  expect(texts(await next.events(8)).sort()).toEqual(names.map((room) => `later ${room}`).sort());
  await next.close();
});

test("a page of history has the reader's whispers of its time, and says if there are older ones", async () => {
  const { room } = await openRoom();
  await whisper(site.url, ann, { room, to: ben.id, text: "w1" });
  const first = await say(site.url, ann, { room, text: "m1" });
  await whisper(site.url, ann, { room, to: ben.id, text: "w2" });
  await say(site.url, ann, { room, text: "m2" });
  type Page = { events: RoomEvent[]; whispers: RoomEvent[]; moreWhispers: boolean };
  const newest = (await get(`/api/rooms/${room}/messages?limit=2`, ben)).body as Page;
  expect(texts(newest.events)).toEqual(["m1", "m2"]);
  expect(texts(newest.whispers)).toEqual(["w2"]);
  expect(newest.moreWhispers).toBe(true);
  const older = (await get(`/api/rooms/${room}/messages?before=${first.event.seq}&whispers=2`, ben)).body as Page;
  expect(texts(older.whispers)).toEqual(["w1"]);
  expect(older.moreWhispers).toBe(false);
  expect((await get(`/api/rooms/${room}/messages`, cai)).body).not.toHaveProperty("whispers");
});

test("a room's page shows whispers among the messages, and its cursor continues both", async () => {
  const { room } = await openRoom();
  await say(site.url, ann, { room, text: "m1" });
  await whisper(site.url, ann, { room, to: ben.id, text: "w1" });
  await say(site.url, ann, { room, text: "m2" });
  const { text } = await get(`/rooms/${room}`, ben);
  expect(text).toMatch(/m1<[\s\S]*class="line whisper[^>]*data-whisper="1"[\s\S]*w1<[\s\S]*m2</);
  const cursor = /data-cursor="([^"]+)"/.exec(text)?.[1];
  expect(text).toContain('data-last-whisper="1"');
  const { body } = await get(`/api/poll?room=${room}&wait=0&after=${cursor}`, ben);
  expect(body).toMatchObject({ events: [] });
  await whisper(site.url, ann, { room, to: ben.id, text: "w2" });
  expect(texts(((await get(`/api/poll?room=${room}&after=${cursor}`, ben)).body as PollAnswer).events)).toEqual(["w2"]);
});

test("a live page shows whispers, in pages that load each other and in one that grows", async () => {
  const { room } = await openRoom();
  await whisper(site.url, ann, { room, to: ben.id, text: "w1" });
  const page = await get(`/rooms/${room}/live/refresh=5`, ben);
  expect(page.text).toContain("w1<");
  await whisper(site.url, ann, { room, to: ben.id, text: "w2" });
  const next = /url=([^"]+)"/.exec(page.text)?.[1] as string;
  const later = (await get(next, ben)).text;
  expect(later).toMatch(/w2<[\s\S]*w1</);
  const done = new AbortController();
  const growing = await fetch(`${site.url}/rooms/${room}/live`, { headers: bearer(ben), signal: done.signal });
  let grown = "";
  const reading = (async () => {
    for await (const text of growing.body?.pipeThrough(new TextDecoderStream()) ?? []) grown += text;
  })().catch(() => undefined);
  await until("the page has begun", () => grown.includes("w2<"));
  await whisper(site.url, ann, { room, to: ben.id, text: "w3" });
  await until("it grows", () => grown.includes("w3<"));
  done.abort();
  await reading;
});

test("a form without script whispers to the person who is chosen", async () => {
  const { room } = await openRoom();
  const headers = { cookie: ann.cookie, origin: site.url, "content-type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams({ id: clientId(), text: "psst", to: ben.id });
  const posted = await fetch(`${site.url}/rooms/${room}`, { method: "POST", headers, body, redirect: "manual" });
  expect(posted.status).toBe(303);
  const { events } = (await get(`/api/rooms/${room}/whispers`, ben)).body as { events: RoomEvent[] };
  expect(texts(events)).toEqual(["psst"]);
});

test("a whisper can be reported from its page, by its receiver and by nobody else", async () => {
  const { room } = await openRoom();
  await whisper(site.url, ann, { room, to: ben.id, text: "rude words" });
  const { text } = await get(`/rooms/${room}/live/refresh=5`, ben);
  const path = /href="([^"]+;whisper=1)"/.exec(text)?.[1] as string;
  expect((await get(path, ben)).text).toContain("rude words");
  expect((await get(path, cai)).status).toBe(404);
  const headers = { cookie: ben.cookie, origin: site.url, "content-type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams({ act: "report", reason: "rude" });
  const posted = await fetch(site.url + path, { method: "POST", headers, body, redirect: "manual" });
  expect(posted.status).toBe(303);
  const reports = await query(site.databaseUrl, "select inbox_id, seq from reports");
  expect(reports).toEqual([{ inbox_id: expect.any(Number), seq: "1" }]);
});

test("a member that leaves and comes back still has its inbox", async () => {
  const { room } = await openRoom();
  await whisper(site.url, ann, { room, to: ben.id, text: "before" });
  await fetch(`${site.url}/api/rooms/${room}/leave`, { method: "POST", headers: bearer(ben) });
  expect((await tryWhisper(site.url, ann, { room, to: ben.id, text: "lost" })).status).toBe(404);
  await say(site.url, ben, { room, text: "back" });
  await whisper(site.url, ann, { room, to: ben.id, text: "after" });
  const { events } = (await get(`/api/rooms/${room}/whispers`, ben)).body as { events: RoomEvent[] };
  expect(events.map(({ seq, text }) => [seq, text])).toEqual([
    [1, "before"],
    [2, "after"],
  ]);
});

test("a lost wake-up of a new inbox costs only time", async () => {
  const { room, cursor } = await openRoom();
  const { db, wakeUps, hub } = site.node.app.site;
  const stream = await openStream(site.url, { room, after: cursor, token: ben.token, timeoutMs: 15_000 });
  const publish = wakeUps.publish;
  Object.assign(wakeUps, { publish: async () => undefined });
  await whisper(site.url, ann, { room, to: ben.id, text: "w1" });
  Object.assign(wakeUps, { publish });
  expect((await readNewInboxes(db, undefined)).inboxes.length).toBeGreaterThan(0);
  hub.wake();
  expect(texts(await stream.events(1))).toEqual(["w1"]);
  await stream.close();
}, 20_000);

test("inboxes go with their room, and a year after their last use", async () => {
  const { db, wakeUps } = site.node.app.site;
  const { room } = await openRoom();
  await whisper(site.url, ann, { room, to: ben.id, text: "gone with the room" });
  const inboxes = () => query(site.databaseUrl, `select id from rooms where slug like '@${room}.%'`);
  expect(await inboxes()).toHaveLength(2);
  await removeRooms(db, wakeUps);
  expect(await inboxes()).toHaveLength(2);
  await removeInboxes(db, 366);
  expect(await inboxes()).toHaveLength(2);
  await query(site.databaseUrl, `delete from members where room_id = (select id from rooms where slug = '${room}')`);
  await query(
    site.databaseUrl,
    `update rooms set last_at = now() - interval '400 days', created_at = now() - interval '400 days' where slug like '@${room}.%'`,
  );
  await removeInboxes(db, 366);
  expect(await inboxes()).toHaveLength(0);
  expect(await query(site.databaseUrl, "select from events where text = 'gone with the room'")).toHaveLength(0);
});
