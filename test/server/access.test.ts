import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { ROOM_RULES, type Role, type RoomRules } from "../../protocol/room-settings.ts";
import type { Actor } from "../../server/actor.ts";
import { ACTS, type Act, decide, type Rank } from "../../server/rooms/access.ts";
import { clientId, openNode, person, say, type TestPerson } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";
import { from, type HeldRequest } from "../support/visitor.ts";

const site = useSite();

type Owned = { slug: string; owner: TestPerson; ownerKey: string };

let rooms = 0;

/** Makes a room of one's own. */
async function makeRoom(settings: object = {}): Promise<Owned> {
  rooms += 1;
  const slug = `kept-${rooms}`;
  const owner = await person(site.url, `Holly${rooms}`);
  const { body } = await as(owner, "post", "/api/rooms").send({ slug }).expect(201);
  if (Object.keys(settings).length > 0) await change({ slug, owner, ownerKey: "" }, settings).expect(200);
  return { slug, owner, ownerKey: body.ownerKey };
}

function as(who: TestPerson | undefined, method: "get" | "post", path: string) {
  const asked = request(site.url)[method](path);
  return who === undefined ? asked : asked.set("authorization", `Bearer ${who.token}`);
}

function change({ slug, owner }: Owned, settings: object) {
  return as(owner, "post", `/api/rooms/${slug}/settings`).send(settings);
}

function giveRole({ slug, owner }: Owned, who: TestPerson, role: Role | null) {
  return as(owner, "post", `/api/rooms/${slug}/roles`).send({ member: who.id, role });
}

describe("the table of acts", () => {
  const RANKS: Rank[] = ["visitor", "member", "trip", "approved", "moderator", "owner", "operator"];
  const SITE = { newRooms: "anyone", isReadOnly: false, takesNewRooms: true, speakingAgeMs: 0 } as const;

  function actorOf(rank: Rank): Actor {
    const member = { id: rank, nickname: rank, color: "#000000", ...(rank === "trip" && { trip: "◆abc" }) };
    const isVisitor = rank === "visitor";
    const isOperator = rank === "operator";
    return {
      ...{ since: 0, issuedAt: 0, browser: undefined, address: "127.0.0.1", isOperator },
      member: isVisitor ? undefined : member,
    };
  }

  function deniedTo(act: Act, rules: Partial<RoomRules> = {}): string {
    const roles = new Map<string, Role>([
      ["member approved", "approved"],
      ["member moderator", "moderator"],
      ["member owner", "owner"],
    ]);
    const room = { id: 1, rules: { ...ROOM_RULES, ...rules }, roles, passwordMark: undefined };
    const denied = RANKS.filter((rank) => decide({ actor: actorOf(rank), act, room, site: SITE, now: 1e12 }));
    return denied.join(" ");
  }

  test("in a room that nobody has changed", () => {
    expect(Object.fromEntries(ACTS.map((act) => [act, deniedTo(act)]))).toEqual({
      see: "",
      read: "",
      enter: "visitor",
      rename: "visitor",
      speak: "visitor",
      whisper: "visitor",
      "erase-own": "visitor",
      notify: "",
      moderate: "visitor member trip approved",
      configure: "visitor member trip approved moderator",
      create: "",
    });
  });

  test.each<[Partial<RoomRules>, { [act in Act]?: string }]>([
    [{ mayRead: "trips" }, { read: "visitor member", speak: "visitor member", "erase-own": "visitor member" }],
    [{ mayRead: "moderators" }, { see: "", read: "visitor member trip approved" }],
    [{ mayEnter: "approved" }, { read: "", enter: "visitor member trip", speak: "visitor member trip" }],
    [{ maySpeak: "moderators" }, { enter: "visitor", speak: "visitor member trip approved", whisper: "visitor" }],
    [{ locked: true }, { read: "", enter: "visitor member trip approved", speak: "visitor member trip approved" }],
  ])("in a room with %j", (rules, denied) => {
    for (const [act, people] of Object.entries(denied))
      expect([act, deniedTo(act as Act, rules)]).toEqual([act, people]);
  });
});

/** All paths by which a room can be read, with `?` before the parameters. */
const READS: { [name: string]: { path: (room: string) => string; isHeld?: true; method?: "post" } } = {
  "event stream": { path: (room) => `/api/events?room=${room}`, isHeld: true },
  "byte stream": { path: (room) => `/api/stream?room=${room}`, isHeld: true },
  frame: { path: (room) => `/api/frame?room=${room}&callback=f`, isHeld: true },
  "live page": { path: (room) => `/rooms/${room}/live`, isHeld: true },
  "live page that reloads": { path: (room) => `/rooms/${room}/live?refresh=10` },
  poll: { path: (room) => `/api/poll?room=${room}&wait=0` },
  "poll of two rooms": { path: (room) => `/api/poll?room=lobby&room=${room}&wait=0` },
  "poll by POST": { path: (room) => `/api/poll?room=${room}&wait=0`, method: "post" },
  "poll as a script": { path: (room) => `/api/poll?room=${room}&wait=0&callback=f` },
  since: { path: (room) => `/api/rooms/${room}/since?wait=0` },
  room: { path: (room) => `/api/rooms/${room}` },
  "room as a script": { path: (room) => `/api/rooms/${room}?callback=f` },
  people: { path: (room) => `/api/rooms/${room}/members` },
  history: { path: (room) => `/api/rooms/${room}/messages` },
  "history as a script": { path: (room) => `/api/rooms/${room}/messages?callback=f` },
  "history around a message": { path: (room) => `/api/rooms/${room}/messages?around=2` },
  search: { path: (room) => `/api/rooms/${room}/search?text=secret` },
  "search page": { path: (room) => `/rooms/${room}/search?text=secret` },
  "log as a file": { path: (room) => `/rooms/${room}/log.txt` },
  "room page": { path: (room) => `/rooms/${room}` },
  "page of older messages": { path: (room) => `/rooms/${room}?before=3` },
  "page of a moment": { path: (room) => `/rooms/${room}?at=2020-01-01` },
  "message page": { path: (room) => `/rooms/${room}/2` },
};

/** Writes the parameters of a path as `;name=value`. */
function inPath(path: string): string {
  const [before, query = ""] = path.split("?");
  return (
    before +
    query
      .split("&")
      .map((pair) => pair && `;${pair}`)
      .join("")
  );
}

describe("a room that only some may read", () => {
  let room: Owned;
  let people: { [name: string]: { who: TestPerson | undefined; mayRead: boolean } };

  beforeAll(async () => {
    room = await makeRoom({ mayRead: "approved" });
    await say(site.url, room.owner, { room: room.slug, text: "a secret" });
    const [member, approved, moderator] = await Promise.all(
      ["Mem", "App", "Moe"].map((name) => person(site.url, name)),
    );
    await giveRole(room, approved as TestPerson, "approved").expect(200);
    await giveRole(room, moderator as TestPerson, "moderator").expect(200);
    people = {
      visitor: { who: undefined, mayRead: false },
      member: { who: member, mayRead: false },
      "member with a trip": { who: await person(site.url, "Tess#a long secret"), mayRead: false },
      approved: { who: approved, mayRead: true },
      moderator: { who: moderator, mayRead: true },
      owner: { who: room.owner, mayRead: true },
    };
  });

  test.each(Object.keys(READS))("%s", async (name) => {
    const { path, isHeld, method } = READS[name] as (typeof READS)[string];
    for (const [rank, { who, mayRead }] of Object.entries(people))
      for (const spelled of [path(room.slug), inPath(path(room.slug))]) {
        const visitor = from(site.url, "127.0.0.1");
        const headers = who === undefined ? {} : { cookie: who.cookie };
        const answer = isHeld
          ? await visitor.hold(spelled, headers)
          : method === "post"
            ? await visitor.post(spelled, who === undefined ? {} : { token: who.token })
            : await visitor.get(spelled, headers);
        const text = typeof answer.text === "string" ? answer.text : "";
        expect([rank, spelled, answer.status < 400, answer.status]).toEqual([
          rank,
          spelled,
          mayRead,
          mayRead ? answer.status : 403,
        ]);
        if (!mayRead) expect(text).not.toContain("a secret");
        visitor.close();
      }
  });

  test("is in the list of rooms without its people and words", async () => {
    const { body } = await as(undefined, "get", "/api/rooms");
    const listed = (body.rooms as { slug: string }[]).find(({ slug }) => slug === room.slug);
    expect(listed).toMatchObject({ people: [], words: null, members: 1 });
  });

  test("a refusal says what to do, also as a script", async () => {
    const { body } = await as(undefined, "get", `/api/rooms/${room.slug}`).expect(403);
    expect(body).toMatchObject({ code: "not_allowed", status: 403 });
    await as(undefined, "get", `/api/poll?room=${room.slug}&callback=f&status=200`).expect(403);
  });

  test("nobody else writes there either, by any path", async () => {
    const { who } = people.member as { who: TestPerson };
    const paths = ["enter", "typing", "messages", "rename", "messages/2/edit", "messages/2/erase"];
    for (const path of paths) {
      const body = { id: clientId(), text: "let me in", nickname: "Mem" };
      const { body: refusal } = await as(who, "post", `/api/rooms/${room.slug}/${path}`).send(body);
      expect([path, refusal.code]).toEqual([path, "not_allowed"]);
    }
    const query = `id=${clientId()}&text=hi&token=${who.token}`;
    const said = await request(site.url).get(`/api/rooms/${room.slug}/say?${query}`);
    expect(said.body.code).toBe("not_allowed");
    const inThePath = await request(site.url).get(`/api/rooms/${room.slug}/say;${query.replaceAll("&", ";")}`);
    expect(inThePath.body.code).toBe("not_allowed");
    const batch = await as(who, "post", `/api/rooms/${room.slug}/messages`).send({
      messages: [{ id: clientId(), text: "hi" }],
    });
    expect(batch.body.results).toEqual([expect.objectContaining({ code: "not_allowed" })]);
  });
});

describe("a reader who loses the right to read", () => {
  test("loses every kind of stream, and a poll that waits, at another node too", async () => {
    const room = await makeRoom();
    const other = await openNode(site.databaseUrl);
    const member = await person(site.url, "Rita");
    const readers: HeldRequest[] = [];
    const visitors = [site.url, other.url].map((url) => from(url, "127.0.0.1"));
    for (const visitor of visitors)
      for (const headers of [{}, { cookie: member.cookie }])
        for (const path of ["events?", "stream?", "frame?callback=f&", "poll?wait=50&"])
          readers.push(await startReading(visitor, `/api/${path}room=${room.slug}`, headers));
    for (const visitor of visitors) readers.push(await visitor.hold(`/rooms/${room.slug}/live`));
    await change(room, { mayRead: "approved" }).expect(200);
    await until("all are over", () => readers.every((reader) => reader.isOver()));
    for (const visitor of visitors) visitor.close();
    await other.close();
  });

  /** A poll is answered at its end only, so its head is not awaited. */
  async function startReading(
    visitor: ReturnType<typeof from>,
    path: string,
    headers: { [name: string]: string },
  ): Promise<HeldRequest> {
    const held = visitor.hold(path, headers);
    if (!path.startsWith("/api/poll")) return held;
    let isOver = false;
    void held
      .then((reader) => until("the answer", () => reader.isOver()))
      .then(() => {
        isOver = true;
      });
    return { status: 200, text: () => "", isOver: () => isOver, close: () => undefined };
  }

  test("gets no answer to the next poll on a kept connection", async () => {
    const room = await makeRoom();
    const visitor = from(site.url, "127.0.0.1");
    const first = await visitor.get(`/api/poll?room=${room.slug}&wait=0`);
    const poll = (n: number) => visitor.get(`/api/poll?room=${room.slug}&after=${first.body.cursor}&wait=1&n=${n}`);
    for (const n of [1, 2]) expect((await poll(n)).status).toBe(200);
    const kept = () => site.node.app.site.metrics.polls.kept;
    const before = kept();
    expect(before).toBeGreaterThan(0);
    await change(room, { mayRead: "moderators" }).expect(200);
    expect((await poll(3)).status).toBe(403);
    expect(kept()).toBe(before);
    visitor.close();
  });

  test("loses a stream when a role is taken away", async () => {
    const room = await makeRoom({ mayRead: "approved" });
    const member = await person(site.url, "Rolf");
    await giveRole(room, member, "approved").expect(200);
    const visitor = from(site.url, "127.0.0.1");
    const stream = await visitor.hold(`/api/events?room=${room.slug}`, { cookie: member.cookie });
    await until("hello", () => stream.text().includes("hello"));
    await giveRole(room, member, null).expect(200);
    await until("the end", () => stream.isOver());
    expect(stream.text()).toContain('"reason":"not_allowed"');
    visitor.close();
  });
});

describe("a member whose session ends", () => {
  test("loses a stream that needs it, at another node too, and keeps one that does not", async () => {
    const room = await makeRoom({ mayRead: "approved" });
    const other = await openNode(site.databaseUrl);
    const member = await person(site.url, "Sally");
    await giveRole(room, member, "approved").expect(200);
    const visitor = from(other.url, "127.0.0.1");
    const [closed, open] = await Promise.all(
      [room.slug, "lobby"].map((slug) => visitor.hold(`/api/events?room=${slug}&token=${member.token}`)),
    );
    await until("both greet", () => closed?.text().includes("hello") && open?.text().includes("hello"));
    await as(member, "post", "/api/session/end").expect(200);
    await until("the end", () => closed?.isOver());
    expect(open?.isOver()).toBe(false);
    visitor.close();
    await other.close();
  });

  test("loses that stream also if the wake-up is lost", async () => {
    const room = await makeRoom({ mayRead: "approved" });
    const member = await person(site.url, "Silas");
    await giveRole(room, member, "approved").expect(200);
    const visitor = from(site.url, "127.0.0.1");
    const stream = await visitor.hold(`/api/events?room=${room.slug}&token=${member.token}`);
    await until("the greeting", () => stream.text().includes("hello"));
    await site.node.app.site.db("revocations").insert({ member_id: member.id, before: new Date(Date.now() + 1000) });
    await until("the end", () => stream.isOver(), 15_000);
    visitor.close();
  }, 20_000);
});

describe("owners", () => {
  test("claim the room with the key, and with the trip of the nickname that made it", async () => {
    const room = await makeRoom();
    const other = await person(site.url, "Otto");
    const settings = `/api/rooms/${room.slug}/settings`;
    expect((await as(other, "post", settings).send({ locked: true })).body.code).toBe("not_allowed");
    const claim = (key: string) => as(other, "post", `/api/rooms/${room.slug}/claim`).send({ key });
    expect((await claim("a guess")).body.code).toBe("wrong_key");
    await claim(room.ownerKey).expect(200);
    await as(other, "post", settings).send({ locked: true }).expect(200);
    const tripped = await person(site.url, "Trixi#a long secret");
    await as(tripped, "post", "/api/rooms").send({ slug: "of-trixi" }).expect(201);
    const again = await person(site.url, "Trixi#a long secret");
    expect(again.id).not.toBe(tripped.id);
    await as(again, "post", "/api/rooms/of-trixi/settings").send({ locked: true }).expect(200);
  });

  test("can make the former key void", async () => {
    const room = await makeRoom();
    const { body } = await as(room.owner, "post", `/api/rooms/${room.slug}/key`).expect(200);
    const other = await person(site.url, "Olga");
    const claim = (key: string) => as(other, "post", `/api/rooms/${room.slug}/claim`).send({ key });
    expect((await claim(room.ownerKey)).status).toBe(403);
    await claim(body.ownerKey).expect(200);
  });

  test("appoint moderators, who approve people and nothing more", async () => {
    const room = await makeRoom();
    const [moderator, member] = [await person(site.url, "Mona"), await person(site.url, "Mike")];
    await giveRole(room, moderator, "moderator").expect(200);
    const give = (role: Role | null, to = member) =>
      as(moderator, "post", `/api/rooms/${room.slug}/roles`).send({ member: to.id, role });
    await give("approved").expect(200);
    await give(null).expect(200);
    expect((await give("moderator")).status).toBe(403);
    expect((await give(null, room.owner)).status).toBe(403);
    expect((await as(moderator, "post", `/api/rooms/${room.slug}/settings`).send({ links: false })).status).toBe(403);
    const { body } = await as(moderator, "get", `/api/rooms/${room.slug}/roles`).expect(200);
    expect(body.roles).toEqual([
      expect.objectContaining({ member: room.owner.id, role: "owner" }),
      expect.objectContaining({ member: moderator.id, role: "moderator" }),
    ]);
  });

  test("are nobody in another room", async () => {
    const [one, other] = [await makeRoom(), await makeRoom()];
    const path = `/api/rooms/${other.slug}/settings`;
    expect((await as(one.owner, "get", path)).status).toBe(403);
    expect((await as(one.owner, "post", path).send({ links: false })).status).toBe(403);
    expect((await as(undefined, "post", path).send({ links: false })).status).toBe(403);
  });
});
