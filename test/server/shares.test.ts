import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { openNode, openSite, type TestNode, type TestOptions, type TestSite } from "../support/app.ts";
import { until } from "../support/until.ts";
import { type From, from, type HeldRequest, type VisitorReply } from "../support/visitor.ts";

let site: TestSite;
let node: TestNode | undefined;
const visitors: From[] = [];

beforeAll(async () => {
  site = await openSite();
  // The rates are to be seen without the slow mode that a raid switches on.
  const { db } = (site.nodes[0] as TestNode).app.site;
  await db("rooms").update({ settings: JSON.stringify({ autoSlow: false }) });
});

afterEach(async () => {
  for (const visitor of visitors.splice(0)) visitor.close();
  await node?.close();
  node = undefined;
});

afterAll(() => site.close());

/** Opens a node with limits, and with its defaults except for the options. */
async function open(options: TestOptions = {}): Promise<(address: string) => From> {
  node = await openNode(site.databaseUrl, { limits: true, ...options });
  const { url } = node;
  return (address) => {
    const visitor = from(url, address);
    visitors.push(visitor);
    return visitor;
  };
}

function placesInUse(): number {
  return node?.app.site.hub.slots.size ?? 0;
}

function bearer(reply: VisitorReply): { authorization: string } {
  expect(reply.status).toBe(201);
  return { authorization: `Bearer ${reply.body.token}` };
}

let messages = 0;

function say(who: From, authorization: { authorization: string }, room = "lobby"): Promise<VisitorReply> {
  messages += 1;
  const message = { id: `shares-${process.pid}-${messages}`, text: "hello" };
  return who.post(`/api/rooms/${room}/messages`, message, authorization);
}

const all = <T>(count: number, make: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)));

const statuses = (replies: VisitorReply[], status: number) => replies.filter((reply) => reply.status === status);

const isLive = (held: HeldRequest) => held.text().includes("event: hello");

describe("places", () => {
  test("an address that holds all places loses its oldest to newcomers, by every transport", async () => {
    const at = await open({ readersMax: 20 });
    const greedy = at("127.0.0.66");
    const held: HeldRequest[] = [];
    for (let n = 0; n < 20; n += 1) held.push(await greedy.hold("/api/events?room=lobby"));
    await until("all are live", () => held.every(isLive));
    const ann = at("127.0.0.9");
    const stream = await ann.hold("/api/events?room=lobby");
    await until("the newcomer is live", () => isLive(stream));
    await until("the oldest was sent away", () => held[0]?.isOver());
    expect(held[0]?.text()).toMatch(/event: bye\nretry: \d{4,}\ndata: \{"retry":\d{4,},"reason":"full"\}\n\n$/);
    expect((await ann.get("/api/poll?room=lobby&wait=0")).status).toBe(200);
    const page = await ann.hold("/rooms/lobby/live");
    await until("the page is there", () => page.text().includes('id="log"'));
    expect(page.isOver()).toBe(false);
    expect(placesInUse()).toBe(20);
    expect(held.filter((one) => !one.isOver()).length).toBe(18);
  });

  test("the greedy address itself gets no more than it has, and hears that the server is full", async () => {
    const at = await open({ readersMax: 5 });
    const greedy = at("127.0.0.66");
    const held = await all(5, () => greedy.hold("/api/events?room=lobby"));
    await until("all are live", () => held.every(isLive));
    const sixth = await greedy.hold("/api/events?room=lobby");
    await until("the sixth is sent away", () => sixth.isOver());
    expect([sixth.status, sixth.text()]).toEqual([200, expect.stringMatching(/"reason":"full"/)]);
    const poll = await greedy.get("/api/poll?room=lobby");
    expect([poll.status, poll.body.code]).toEqual([503, "no_place"]);
    expect(poll.text).not.toContain("log");
    expect(Number(poll.headers["retry-after"])).toBeGreaterThan(0);
    expect(held.some((one) => one.isOver())).toBe(false);
    expect((await greedy.get("/readyz")).status).toBe(200);
  });

  test("a waiting poll is answered when a newcomer takes its place", async () => {
    const at = await open({ readersMax: 2 });
    const [greedy, ann] = [at("127.0.0.66"), at("127.0.0.9")];
    const { body } = await greedy.get("/api/poll?room=lobby&wait=0");
    const polls = [0, 1].map(() => greedy.get(`/api/poll?room=lobby&after=${body.cursor}&wait=50`));
    await until("both wait", () => placesInUse() === 2);
    await ann.hold("/api/events?room=lobby");
    const answered = await Promise.race(polls);
    expect(answered.status).toBe(200);
    expect(answered.body.signals).toContainEqual(expect.objectContaining({ signal: "bye", reason: "full" }));
    expect(answered.body.cursor).toBe(body.cursor);
    // The other one waits until it is cut.
    for (const poll of polls) poll.catch(() => undefined);
  });

  test("readiness ends when no newcomer gets a place, and comes back with the first that is free", async () => {
    const at = await open({ readersMax: 3 });
    const held = await all(3, (n) => at(`127.0.0.${n + 10}`).hold("/api/events?room=lobby"));
    await until("all are live", () => held.every(isLive));
    const newcomer = await at("127.0.0.9").hold("/api/events?room=lobby");
    await until("the newcomer is sent away", () => newcomer.isOver());
    const full = await at("127.0.0.9").get("/readyz");
    expect([full.status, full.body.checks]).toEqual([503, expect.objectContaining({ places: false, database: true })]);
    held[0]?.close();
    await until("it is ready", async () => (await at("127.0.0.9").get("/readyz")).status === 200);
  });

  test("a member has 20 places; the next takes the oldest's", async () => {
    const at = await open();
    const ann = at("127.0.0.9");
    const authorization = bearer(await ann.post("/api/session", { nickname: "Ann" }));
    const held: HeldRequest[] = [];
    for (let n = 0; n < 21; n += 1) held.push(await ann.hold("/api/events?room=lobby", authorization));
    await until("the first is over", () => held[0]?.isOver());
    await until("the last is live", () => isLive(held[20] as HeldRequest));
    expect(held.filter((one) => one.isOver()).length).toBe(1);
  });

  test("a kept poll connection holds a place, also while no poll waits; one with a long head is not kept", async () => {
    const at = await open({ readersMax: 3 });
    const greedy = at("127.0.0.66");
    const { body } = await greedy.get("/api/poll?room=lobby&wait=0");
    const poll = (headers = {}) => greedy.get(`/api/poll?room=lobby&after=${body.cursor}&wait=1`, headers);
    await all(3, () => poll());
    await until("three connections are kept", () => placesInUse() === 3);
    expect(node?.app.site.hub.readers.size).toBe(0);
    const ann = await at("127.0.0.9").hold("/api/events?room=lobby");
    await until("a newcomer is live", () => isLive(ann));
    expect(placesInUse()).toBe(3);
    ann.close();
    await until("the newcomer has left", () => placesInUse() === 2);
    greedy.close();
    await until("all have left", () => placesInUse() === 0);
    const other = at("127.0.0.67");
    await other.get(`/api/poll?room=lobby&after=${body.cursor}&wait=1`, { cookie: `junk=${"x".repeat(2_048)}` });
    await other.get("/healthz");
    expect(placesInUse()).toBe(0);
  });

  test("the path doctor holds 35 tests of one address, and never ends one for another of its own", async () => {
    const at = await open();
    const ann = at("127.0.0.9");
    const held = await all(35, () => ann.hold("/api/doctor/stream;frames=1;gap=0;quiet=60000"));
    const next = await ann.get("/api/doctor/echo;hold=100");
    expect([next.status, next.body.code, next.body.detail]).toEqual([
      429,
      "too_many",
      "Too many tests of the path doctor run in your network. Try again in 20 s.",
    ]);
    expect((await ann.get("/api/doctor/echo")).status).toBe(200);
    expect((await at("127.0.0.10").get("/api/doctor/echo;hold=100")).status).toBe(200);
    expect(held.some((one) => one.isOver())).toBe(false);
  });

  test("when 200 tests of the path doctor run, the address with most loses one to a newcomer", async () => {
    const at = await open();
    const held: HeldRequest[] = [];
    for (let n = 0; n < 40; n += 1) {
      const visitor = at(`127.0.1.${n + 1}`);
      held.push(...(await all(5, () => visitor.hold("/api/doctor/stream;frames=1;gap=0;quiet=60000"))));
    }
    expect((await at("127.0.0.9").get("/api/doctor/echo;hold=100")).status).toBe(200);
    expect(held.filter((one) => one.isOver()).length).toBe(1);
  });
});

describe("rates", () => {
  test("all sessions of an address together send 400 messages at once; others are not affected", async () => {
    const at = await open();
    const raid = at("127.0.0.66");
    const sessions = await all(25, async (n) => bearer(await raid.post("/api/session", { nickname: `raider ${n}` })));
    const replies: VisitorReply[] = [];
    for (const session of sessions) replies.push(...(await all(20, () => say(raid, session, "lobby"))));
    const refused = statuses(replies, 429);
    expect(statuses(replies, 201).length + refused.length).toBe(500);
    expect(refused.length).toBeGreaterThan(20);
    expect(refused[0]?.body).toMatchObject({
      code: "too_many",
      detail: expect.stringMatching(/^Too many messages from your network. Try again in \d+ s.$/),
    });
    const ann = at("127.0.0.9");
    const authorization = bearer(await ann.post("/api/session", { nickname: "Ann" }));
    expect((await say(ann, authorization)).status).toBe(201);
  });

  test("a raid of new sessions from two addresses leaves newcomers from elsewhere their messages", async () => {
    const at = await open();
    let isRaiding = true;
    const replies: VisitorReply[] = [];
    const raids = [at("127.0.0.66"), at("127.0.0.67")].flatMap((raid) =>
      Array.from({ length: 20 }, async (_, n) => {
        const session = bearer(await raid.post("/api/session", { nickname: `raider ${n}` }));
        while (isRaiding) replies.push(await say(raid, session));
      }),
    );
    await until("the raid meets its limit", () => statuses(replies, 429).length > 100, 20_000);
    const heard = await all(30, async (n) => {
      const newcomer = at(`127.0.1.${n + 1}`);
      return say(newcomer, bearer(await newcomer.post("/api/session", { nickname: `newcomer ${n}` })));
    });
    isRaiding = false;
    await Promise.all(raids);
    expect(statuses(heard, 201).length).toBeGreaterThanOrEqual(29);
  }, 30_000);

  test("a member that takes another nickname is no newcomer again", async () => {
    const at = await open();
    const session = bearer(await at("127.0.0.9").post("/api/session", { nickname: "Ann" }));
    const takeMs = Date.now() + 61_000;
    const clock = jest.spyOn(Date, "now").mockReturnValue(takeMs);
    const renamed = bearer(await at("127.0.0.9").post("/api/session", { nickname: "Anna" }, session));
    clock.mockRestore();
    const read = node?.app.site.tokens.verify(renamed.authorization.slice("Bearer ".length));
    expect(read?.issuedAt).toBe(takeMs);
    expect(read?.since).toBeLessThan(takeMs - 60_000);
  });

  test("reading has a limit for each address, and history is charged by its events", async () => {
    const at = await open();
    const greedy = at("127.0.0.66");
    const replies = await all(300, () => greedy.get("/api/rooms/lobby/messages?limit=200"));
    const passed = statuses(replies, 200).length;
    expect(passed).toBeGreaterThanOrEqual(250);
    expect(passed).toBeLessThan(300);
    expect(statuses(replies, 429)[0]?.body.detail).toMatch(/^Too many reads from your network/);
    for (const path of ["/", "/rooms/lobby", "/api/rooms", "/api/rooms/lobby"]) {
      const refusals = await all(60, () => greedy.get(path));
      expect([path, statuses(refusals, 429).length > 0]).toEqual([path, true]);
      expect((await at("127.0.0.9").get(path)).status).toBe(200);
    }
    const page = statuses(await all(60, () => greedy.get("/rooms/lobby", { "accept-language": "ja" })), 429)[0];
    const seconds = Number(page?.headers["retry-after"]);
    expect(seconds).toBeGreaterThan(0);
    expect(page?.text).toContain(`お使いのネットワークからのアクセスが集中しています。${seconds}秒ほどたってから`);
  });

  describe("catching up", () => {
    let slug = "";
    let cursors: { old: string; head: string };

    /** A room whose first messages are no longer in memory. */
    beforeAll(async () => {
      slug = `long-${process.pid}`;
      const writer = await openNode(site.databaseUrl);
      const ann = from(writer.url, "127.0.0.9");
      const authorization = bearer(await ann.post("/api/session", { nickname: "Ann" }));
      await ann.post("/api/rooms", { slug }, authorization);
      const text = "あ".repeat(2_000);
      const write = () => {
        messages += 1;
        return ann.post(
          `/api/rooms/${slug}/messages`,
          { id: `shares-${process.pid}-${messages}`, text },
          authorization,
        );
      };
      const first = await write();
      const last = (await all(60, write)).at(-1);
      const { body } = await ann.get(`/api/poll?room=${slug}&wait=0`);
      expect(last?.status).toBe(201);
      cursors = { old: first.body.cursor, head: body.cursor };
      ann.close();
      await writer.close();
    }, 30_000);

    const poll = (after: string, wait = 0) => `/api/poll?room=${slug}&after=${after}&wait=${wait}`;

    test("by polls is charged to reads by the page", async () => {
      const at = await open();
      const greedy = at("127.0.0.66");
      // 10 of the 1,000 pages that an address may have at once are left.
      node?.app.site.limits.reads.take({ address: "127.0.0.66" }, 990);
      const replies = await all(200, () => greedy.get(poll(cursors.old)));
      expect(statuses(replies, 200).length).toBeGreaterThanOrEqual(10);
      const refusals = statuses(replies, 429);
      expect(refusals.length).toBeGreaterThan(50);
      expect(refusals[0]?.body.detail).toMatch(/^Too many reads from your network/);
      expect(Number(refusals[0]?.headers["retry-after"])).toBeGreaterThan(0);
      expect((await at("127.0.0.9").get(poll(cursors.old))).status).toBe(200);
    });

    test("waits while reads are used up, then continues at its cursor; readers that lack nothing read on", async () => {
      const at = await open();
      const ann = at("127.0.0.66");
      node?.app.site.limits.reads.take({ address: "127.0.0.66" }, 10_000);
      // On a kept connection too.
      for (const wait of [0, 1, 1]) expect((await ann.get(poll(cursors.head, wait))).status).toBe(200);
      for (const wait of [1, 0]) expect((await ann.get(poll(cursors.old, wait))).status).toBe(429);
      const late = await ann.hold(`/api/events?room=${slug}&after=${cursors.old}`);
      await until("it is sent away", () => late.isOver());
      expect(late.text()).toMatch(/event: bye\nretry: \d{4,}\ndata: \{"retry":\d{4,},"reason":"too_many"\}\n\n$/);
      expect(late.text()).not.toContain("event: message");
      const live = await ann.hold(`/api/events?room=${slug}&after=${cursors.head}`);
      await until("it is live", () => isLive(live));
      node?.app.site.limits.reads.giveBack({ address: "127.0.0.66" }, 10_000);
      const resumed = await ann.hold(`/api/events?room=${slug}&after=${cursors.old}`);
      await until("it has caught up", () => resumed.text().split("あああ").length > 60);
      expect(live.isOver() || resumed.isOver()).toBe(false);
    });
  });

  test("streams that are opened too fast are sent away with the reason", async () => {
    const at = await open();
    const ann = at("127.0.0.9");
    const authorization = bearer(await ann.post("/api/session", { nickname: "Ann" }));
    let opened = "";
    // On a slow machine, the limit recovers meanwhile.
    for (let n = 0; n < 400 && !opened.includes("event: bye"); n += 1) {
      const stream = await ann.hold("/api/events?room=lobby", authorization);
      await until("it sends a frame", () => /event: (hello|bye)/.test(stream.text()));
      opened = stream.text();
      stream.close();
    }
    expect(opened).toMatch(/event: bye\nretry: \d{4,}\ndata: \{"retry":\d{4,},"reason":"too_many"\}/);
  });

  test("the port that a gateway writes behind an address gives no new share", async () => {
    const at = await open({ trustProxy: ["loopback"] });
    const gateway = at("127.0.0.1");
    const enter = (forwarded: string) =>
      gateway.post("/api/session", { nickname: "Ann" }, { "x-forwarded-for": forwarded });
    const replies = await all(400, (n) => enter(`9.9.9.3:${10_000 + n}`));
    expect(statuses(replies, 201).length).toBeLessThan(330);
    const nowhere = await all(400, (n) => enter(`nonsense-${n}`));
    expect(statuses(nowhere, 201).length).toBeLessThan(330);
    expect((await enter("9.9.9.4:10000")).status).toBe(201);
  });

  test("a named network has a larger share", async () => {
    const at = await open({ shares: ["127.0.0.64/26=3"] });
    const rooms = (visitor: From, name: string) =>
      all(100, (n) => visitor.post("/api/rooms", { slug: `${name}-${n}` })).then((made) => statuses(made, 201).length);
    expect(await rooms(at("127.0.0.66"), "named")).toBeGreaterThanOrEqual(90);
    expect(await rooms(at("127.0.0.9"), "other")).toBeLessThan(40);
  });
});
