import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { pino } from "pino";
import request from "supertest";
import type { Reader } from "../../server/delivery/reader.ts";
import { capConnections } from "../../server/process/connections.ts";
import { removeRooms } from "../../server/upkeep/room-removal.ts";
import { openNode, openSite, person, say, type TestNode, type TestPerson, type TestSite } from "../support/app.ts";
import { query } from "../support/database.ts";
import { hasNginx, startNginx } from "../support/nginx.ts";
import { pollsOf, type RawAnswer, RawConnection } from "../support/raw-connection.ts";
import { startSite } from "../support/site-process.ts";
import { until } from "../support/until.ts";

let site: TestSite;
let node: TestNode;
let url: string;
let ann: TestPerson;
let bob: TestPerson;
/** Sessions count at other sites of these tests as well. */
const SECRET = { secrets: ["the secret of all sites here"] };

/** Everything that a test has opened. */
const connections: RawConnection[] = [];
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  site = await openSite(SECRET);
  node = site.nodes[0] as TestNode;
  url = node.url;
  [ann, bob] = [await person(url, "Ann"), await person(url, "Bob")];
  await request(url).post("/api/rooms").send({ slug: "garden" }).expect(201);
  for (const room of ["lobby", "garden"]) await say(url, ann, { text: "premise", room });
});

afterEach(async () => {
  jest.restoreAllMocks();
  for (const connection of connections.splice(0)) connection.socket.destroy();
  for (const one of opened.splice(0)) await one.close();
});

afterAll(() => site.close());

function dial(at = url, from?: string): RawConnection {
  const connection = new RawConnection(at, from);
  connections.push(connection);
  return connection;
}

const readers = (of = node): Reader[] => [...of.app.site.hub.readers];

let nonces = 0;

function nextNonce(): string {
  nonces += 1;
  return `nonce-${nonces}`;
}

type Ask = {
  /** Returns the target of a request with a cursor and a new nonce. */
  target(cursor: string, nonce: string): string | Promise<string>;
  headers?: string;
  version?: string;
  room?: string;
  at?: TestNode;
};

type Polled = {
  answer: RawAnswer;
  road: "kept" | "whole" | undefined;
  memberId: string | undefined;
  nonce: string;
  /** The connection on the fast path, else the poll. */
  transport: object;
};

/** Makes one poll wait, sends a message that answers it, and returns its path and its member. */
async function poll(
  connection: RawConnection,
  { target, headers, version, room = "lobby", at = node }: Ask,
): Promise<Polled> {
  const { cursor } = await say(at.url, bob, { text: "before", room });
  await hasRead(at, room);
  const nonce = nextNonce();
  const asked = await target(cursor, nonce);
  const before = await pollsOf(at);
  const others = new Set(readers(at));
  connection.ask(asked, headers, version);
  const reader = await until("it waits", () => readers(at).find((one) => !others.has(one)));
  await say(at.url, bob, { text: "after", room });
  const answer = await connection.answer();
  const after = await pollsOf(at);
  const road = after.kept > before.kept ? "kept" : after.whole > before.whole ? "whole" : undefined;
  return { answer, road, memberId: reader.memberId, nonce, transport: reader.transport };
}

/** Waits until a node has read all messages of a room, because a receipt may be ahead of it. */
async function hasRead({ app, url: at }: TestNode, room: string): Promise<void> {
  const head = Number((await cursorIn(room, at)).split("-").at(-1));
  const isBehind = () => app.site.hub.rooms.all().some((tail) => tail.slug === room && tail.sent < head);
  await until("the node has read all", () => !isBehind());
}

async function cursorIn(room: string, at = url): Promise<string> {
  const { body } = await request(at).get(`/api/rooms/${room}`).expect(200);
  return body.cursor;
}

/** Makes a poll pass all guards on a connection of its own. */
async function verify(ask: Ask, from?: string): Promise<void> {
  const connection = dial(ask.at?.url, from);
  expect((await poll(connection, ask)).answer.status).toBe(200);
  connection.socket.destroy();
}

/** Returns the headers with a person's cookie, which is valid for one port. */
const cookieOf = ({ cookie }: TestPerson) => `Host: ${new URL(url).host}\r\nCookie: ${cookie}\r\n`;

async function ticketOf({ token }: TestPerson): Promise<string> {
  const { body } = await request(url).post("/api/session/ticket").send({ token }).expect(200);
  return body.ticket;
}

function permutations<T>(of: T[]): T[][] {
  if (of.length < 2) return [of];
  return of.flatMap((one) => permutations(of.filter((other) => other !== one)).map((rest) => [one, ...rest]));
}

const plain = (cursor: string, n: string) => `/api/poll;room=lobby;after=${cursor};n=${n};wait=25`;

const withParam = (name: string, value: string) => (cursor: string, n: string) =>
  `${plain(cursor, n)};${name}=${value}`;

/** The recorded header lines of the shipped clients, and the targets that they request. */
const CLIENTS: { [name: string]: Ask } = {
  "the page in Chromium": {
    target: (cursor, n) => `/api/poll;room=lobby;after=${cursor};n=${n};wait=25`,
    headers:
      "Host: here:3000\r\nConnection: keep-alive\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n" +
      'sec-ch-ua-platform: "Linux"\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
      'Chrome/143.0.0.0 Safari/537.36\r\nsec-ch-ua: "Not:A-Brand";v="8", "Chromium";v="143"\r\nAccept-Language: en-US\r\n' +
      "sec-ch-ua-mobile: ?0\r\nAccept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n" +
      "Sec-Fetch-Dest: empty\r\nReferer: http://here:3000/rooms/lobby\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
      "Cookie: chattera-visit-3000=zSjHG6JUl3Fl3rGK\r\n",
  },
  "the npm client in Node": {
    target: (cursor, n) => `/api/poll;room=lobby;after=${cursor};n=${n};wait=25`,
    headers:
      "host: here:3000\r\nconnection: keep-alive\r\naccept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\n" +
      "user-agent: node\r\npragma: no-cache\r\ncache-control: no-cache\r\naccept-encoding: gzip, deflate\r\n",
  },
  "the page in Internet Explorer 7": {
    target: (cursor, n) => `/api/poll;room=lobby;after=${cursor};n=${n};wait=10`,
    headers:
      "User-Agent: Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1)\r\nAccept: */*\r\n" +
      "Referer: http://here:3000/rooms/lobby\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-us\r\n" +
      "Host: here:3000\r\nConnection: Keep-Alive\r\nCookie: chattera-visit-3000=TbmN2I9pbW9NUxC5\r\n",
  },
};

describe("on one connection, the first poll takes the slow path, and those that follow take the fast path,", () => {
  async function takesFastPath(ask: Ask): Promise<Polled> {
    const connection = dial(ask.at?.url);
    const first = await poll(connection, ask);
    expect([first.road, first.answer.body.n]).toEqual(["whole", first.nonce]);
    for (let n = 0; n < 2; n += 1) {
      const next = await poll(connection, ask);
      expect([next.road, next.answer.body.n]).toEqual(["kept", next.nonce]);
      expect(next.answer.body.events).toMatchObject([{ text: "after" }]);
      expect(next.memberId).toBe(first.memberId);
    }
    return first;
  }

  test.each(Object.entries(CLIENTS))("with the requests of %s", (_name, ask) => takesFastPath(ask));

  const parts = { room: "room=lobby", after: "after=CURSOR", n: "n=NONCE", wait: "wait=25" };
  const orders = permutations(Object.values(parts));

  test.each([
    ...orders.map((order) => `/api/poll;${order.join(";")}`),
    ...orders.filter((_, n) => n % 5 === 0).map((order) => `/api/poll?${order.join("&")}`),
    "/api/poll;room=lobby;n=NONCE?after=CURSOR&wait=20",
    "/api/poll;after=CURSOR?room=lobby&x=%E3%81%82&n=NONCE",
    "/api/poll?room=lobby&after=CURSOR",
  ])("with %s", async (template) => {
    const hasNonce = template.includes("NONCE");
    const connection = dial();
    const ask = { target: (cursor: string, n: string) => template.replace("CURSOR", cursor).replace("NONCE", n) };
    const first = await poll(connection, ask);
    const second = await poll(connection, ask);
    expect([first.road, second.road]).toEqual(["whole", "kept"]);
    expect(second.answer.body.n).toBe(hasNonce ? second.nonce : undefined);
    expect(second.answer.body.events).toMatchObject([{ text: "after" }]);
  });

  test.each([
    ["a cookie", () => ({ target: plain, headers: cookieOf(ann) })],
    ["a bearer token", () => ({ target: plain, headers: `Host: here\r\nAuthorization: Bearer ${ann.token}\r\n` })],
    ["a token in the URL", () => ({ target: withParam("token", ann.token) })],
    ["a ticket", async () => ({ target: withParam("ticket", await ticketOf(ann)) })],
  ])("with %s, each as the member", async (_what, askOf) => {
    expect((await takesFastPath(await askOf())).memberId).toBe(ann.id);
  });

  test.each([
    ["one cursor", (lobby: string, garden: string) => `after=${lobby}${garden.replace(/^\w+/, "")}`],
    ["a cursor of each", (lobby: string, garden: string) => `after=${lobby};after=${garden}`],
  ])("of a reader of several rooms with %s", async (_what, after) => {
    for (const room of ["lobby", "garden"]) {
      const target = async (_cursor: string, n: string) => {
        const [lobby, garden] = [await cursorIn("lobby"), await cursorIn("garden")];
        return `/api/poll;room=lobby;room=garden;${after(lobby, garden)};n=${n}`;
      };
      const connection = dial();
      await poll(connection, { target, room });
      const { road, answer } = await poll(connection, { target, room });
      expect(road).toBe("kept");
      expect(answer.body.events).toMatchObject([{ text: "after", room }]);
    }
  });
});

describe("a poll of a verified shape takes the fast path", () => {
  const ask: Ask = { target: plain };

  test("on a new connection, which is kept from then on", async () => {
    await verify(ask);
    const connection = dial();
    expect((await poll(connection, ask)).road).toBe("kept");
    expect((await poll(connection, ask)).road).toBe("kept");
  });

  test("on a connection that carries other requests in between", async () => {
    await verify(ask);
    const connection = dial();
    for (let n = 0; n < 12; n += 1) {
      const body = JSON.stringify({ id: `between-${nextNonce()}`, text: "by the same connection" });
      connection.socket.write(
        `POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer ${ann.token}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      expect((await connection.answer()).status).toBe(201);
      expect((await poll(connection, ask)).road).toBe("kept");
    }
  });

  test.each([
    ["with Connection: close", { target: plain, headers: "Host: here\r\nConnection: close\r\n" }],
    ["with once=1", { target: withParam("once", "1") }],
    ["over HTTP/1.0", { target: plain, version: "1.0" }],
  ])("%s, and its connection is closed", async (_how, closing) => {
    await verify(closing);
    const connection = dial();
    const { road, answer, nonce } = await poll(connection, closing);
    expect([road, answer.headers.get("connection"), answer.body.n]).toEqual(["kept", "close", nonce]);
    await until("it is closed", () => connection.isClosed);
  });

  test.each(["X-Request-Id", "X-Amzn-Trace-Id", "CF-Ray", "traceparent", "X-Varnish"])(
    "with a different %s each time, by which a proxy numbers requests",
    async (name) => {
      const asks = ["first", "Root=1-5759e988", "third"].map((number) => ({
        target: plain,
        headers: `Host: here\r\n${name}: ${number}\r\nX-After: it\r\n`,
      }));
      const connection = dial();
      const roads: unknown[] = [];
      for (const numbered of asks) roads.push((await poll(connection, numbered)).road);
      roads.push((await poll(dial(), asks[1] as Ask)).road);
      expect(roads).toEqual(["whole", "kept", "kept", "kept"]);
    },
  );

  test("and is answered as on the slow path, except for the date and the connection's own lines", async () => {
    const answers: RawAnswer[] = [];
    await say(url, bob, "before");
    await hasRead(node, "lobby");
    const connection = dial();
    const cursor = await cursorIn("lobby");
    await say(url, bob, "for both");
    await hasRead(node, "lobby");
    for (let n = 0; n < 2; n += 1) {
      connection.ask(plain(cursor, "same"));
      answers.push(await connection.answer());
    }
    const [whole, kept] = answers.map(({ lines, body }) => ({
      lines: lines.filter((line) => !/^(Date|Connection|Keep-Alive):/.test(line)).sort(),
      body,
    }));
    expect(kept).toEqual(whole);
  });

  test("even when another request follows in the same packet; both are answered, in order", async () => {
    await verify(ask);
    const connection = dial();
    const cursor = await cursorIn("lobby");
    const head = `GET ${plain(cursor, "piped")} HTTP/1.1\r\nHost: here\r\n\r\n`;
    connection.socket.write(`${head}GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n`);
    await until("it waits", () => readers().length === 1);
    await say(url, bob, "for the first of two");
    expect((await connection.answer()).body).toMatchObject({ n: "piped", events: [{ text: "for the first of two" }] });
    expect((await connection.answer()).body).toMatchObject({ status: "ok" });
  });

  test("and is logged like every request, without its parameters", async () => {
    const lines: { msg: string; path?: string; status?: number }[] = [];
    const logger = pino({ level: "debug" }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const logging = await openNode(site.databaseUrl, SECRET, logger);
    opened.push(logging);
    const connection = dial(logging.url);
    for (const road of ["whole", "kept"]) {
      lines.length = 0;
      expect((await poll(connection, { ...ask, at: logging })).road).toBe(road);
      const isPoll = ({ msg, path }: (typeof lines)[number]) => msg === "request" && path === "/api/poll";
      await until("it is logged", () => lines.some(isPoll));
      expect(lines.filter(isPoll)).toMatchObject([{ method: "GET", status: 200, tookMs: expect.any(Number) }]);
      expect(JSON.stringify(lines)).not.toContain("after=");
    }
  });
});

describe("polls of different readers, one after the other on a connection of a proxy, take the fast path", () => {
  const askOf = (person: TestPerson): Ask => ({ target: plain, headers: cookieOf(person) });

  test("each as its own member", async () => {
    for (const person of [ann, bob]) await verify(askOf(person));
    const connection = dial();
    for (const person of [ann, bob, bob, ann, bob]) {
      const { road, memberId, nonce, answer } = await poll(connection, askOf(person));
      expect([road, memberId, answer.body.n]).toEqual(["kept", person.id, nonce]);
    }
  });

  test("each at the place of its own address", async () => {
    const trusting = await openNode(site.databaseUrl, { ...SECRET, trustProxy: ["loopback"] });
    opened.push(trusting);
    const ask = (from: string) => ({
      target: plain,
      headers: `Host: here\r\nX-Forwarded-For: ${from}\r\n`,
      at: trusting,
    });
    for (const from of ["203.0.113.1", "203.0.113.2"]) await verify(ask(from));
    const connection = dial(trusting.url);
    const held = () =>
      ["203.0.113.1", "203.0.113.2"].map((network) =>
        trusting.app.site.hub.slots.heldBy({ networks: [network], factor: 1 }),
      );
    for (const [from, places] of [
      ["203.0.113.1", [1, 0]],
      ["203.0.113.2", [0, 1]],
      ["203.0.113.1", [1, 0]],
    ] as const) {
      expect((await poll(connection, ask(from))).road).toBe("kept");
      expect(held()).toEqual(places);
    }
  });

  (hasNginx ? test : test.skip)("through one kept-alive connection of nginx", async () => {
    const upstream = `upstream site { server ${new URL(url).host}; keepalive 1; }`;
    const directives = 'proxy_http_version 1.1; proxy_set_header Connection "";';
    const nginx = await startNginx("http://site", directives, upstream);
    opened.push(nginx);
    const [first, second] = [dial(nginx.url), dial(nginx.url)];
    const members = [
      [first, ann],
      [second, bob],
    ] as const;
    for (const [connection, person] of members) await poll(connection, askOf(person));
    const transports = new Set<object>();
    for (let n = 0; n < 3; n += 1)
      for (const [connection, person] of members) {
        const { road, memberId, nonce, answer, transport } = await poll(connection, askOf(person));
        expect([road, memberId, answer.body.n]).toEqual(["kept", person.id, nonce]);
        transports.add(transport);
      }
    expect(transports.size).toBe(1);
  });
});

describe("a poll takes the slow path if it differs from a verified one", () => {
  const HEADERS = "Host: here\r\nUser-Agent: program\r\nOrigin: http://here\r\nSec-Fetch-Site: same-origin\r\n";

  const differing: [string, Ask][] = [
    ["in the Host", { target: plain, headers: HEADERS.replace("Host: here", "Host: there") }],
    ["in the Origin", { target: plain, headers: HEADERS.replace("http://here", "http://there") }],
    ["in Sec-Fetch-Site", { target: plain, headers: HEADERS.replace("same-origin", "cross-site") }],
    ["by a Cookie", { target: plain, headers: `${HEADERS}Cookie: another=1\r\n` }],
    ["by a Referer", { target: plain, headers: `${HEADERS}Referer: http://there/\r\n` }],
    ["by X-Forwarded-For", { target: plain, headers: `${HEADERS}X-Forwarded-For: 203.0.113.9\r\n` }],
    ["by X-Forwarded-Proto", { target: plain, headers: `${HEADERS}X-Forwarded-Proto: https\r\n` }],
    ["in the version", { target: plain, headers: HEADERS, version: "1.0" }],
    [
      "in the order of its lines",
      { target: plain, headers: HEADERS.split("\r\n").sort().join("\r\n").trimStart().concat("\r\n") },
    ],
    ["in the case of a header's name", { target: plain, headers: HEADERS.replace("User-Agent", "user-agent") }],
    ["in the wait", { target: (c, n) => plain(c, n).replace("wait=25", "wait=24"), headers: HEADERS }],
    ["by a parameter", { target: withParam("another", "1"), headers: HEADERS }],
    ["by a second cursor", { target: (c, n) => withParam("after", c)(c, n), headers: HEADERS }],
    ["by an old library's cursor", { target: (c, n) => withParam("lastEventId", c)(c, n), headers: HEADERS }],
    [
      "by another spelling of the cursor's name",
      { target: (c, n) => `/api/poll?room=lobby&%61fter=${c}&n=${n}`, headers: HEADERS },
    ],
  ];

  test.each(differing)("%s", async (_how, other) => {
    const ask = { target: plain, headers: HEADERS };
    await verify(ask);
    const connection = dial();
    expect((await poll(connection, ask)).road).toBe("kept");
    expect((await poll(connection, other)).road).toBe("whole");
  });

  test("in the room", async () => {
    await verify({ target: plain, headers: HEADERS });
    const target = (cursor: string, n: string) => plain(cursor, n).replace("lobby", "garden");
    expect(await poll(dial(), { target, headers: HEADERS, room: "garden" })).toMatchObject({ road: "whole" });
  });

  test("in its Authorization: an invalid token is no session, as usual", async () => {
    const headers = `${HEADERS}Authorization: Bearer ${ann.token}\r\n`;
    await verify({ target: plain, headers });
    const connection = dial();
    expect(await poll(connection, { target: plain, headers })).toMatchObject({ road: "kept", memberId: ann.id });
    const forged = headers.replace(/.\r\n$/, "\r\n");
    expect(await poll(connection, { target: plain, headers: forged })).toMatchObject({
      road: "whole",
      memberId: undefined,
    });
  });

  test("in the address of its peer", async () => {
    await verify({ target: plain, headers: HEADERS });
    expect((await poll(dial(url, "127.0.0.7"), { target: plain, headers: HEADERS })).road).toBe("whole");
  });

  test.each([
    ["by its method", (target: string) => `POST ${target} HTTP/1.1\r\n${HEADERS}Content-Length: 0\r\n\r\n`],
    ["by a body", (target: string) => `GET ${target} HTTP/1.1\r\n${HEADERS}Content-Length: 2\r\n\r\n{}`],
    [
      "by a head longer than 2,048 bytes",
      (target: string) => `GET ${target} HTTP/1.1\r\n${HEADERS}X: ${"x".repeat(2_048)}\r\n\r\n`,
    ],
  ])("%s, and so do those that follow it", async (_how, bytes) => {
    await verify({ target: plain, headers: HEADERS });
    const connection = dial();
    for (let n = 0; n < 2; n += 1) {
      const cursor = await cursorIn("lobby");
      const before = await pollsOf(node);
      connection.socket.write(bytes(plain(cursor, nextNonce())));
      await until("it waits", () => readers().length === 1);
      await say(url, bob, "after");
      expect((await connection.answer()).status).toBe(200);
      expect(await pollsOf(node)).toEqual({ kept: before.kept, whole: before.whole + 1 });
    }
  });

  test("by an invalid cursor or nonce", async () => {
    await verify({ target: plain, headers: HEADERS });
    for (const [cursor, nonce, code] of [
      ["a%20b", "1", undefined],
      ["nonsense", "1", undefined],
      [await cursorIn("lobby"), "a%0ab", "malformed"],
      [await cursorIn("lobby"), "n".repeat(65), "malformed"],
    ] as const) {
      const connection = dial();
      const before = await pollsOf(node);
      connection.ask(plain(cursor, nonce), HEADERS);
      const { body } = await connection.answer();
      expect([body.code, body.reset?.reason]).toEqual([code, code ? undefined : "malformed"]);
      expect((await pollsOf(node)).kept).toBe(before.kept);
    }
  });
});

describe("a poll of a verified shape takes the slow path again", () => {
  const DAY_MS = 86_400_000;
  const atTime = (ms: number) => jest.spyOn(Date, "now").mockReturnValue(Date.now() + ms);

  /** Returns a connection whose next poll would take the fast path. */
  async function ready(ask: Ask): Promise<RawConnection> {
    await verify(ask);
    const connection = dial(ask.at?.url);
    expect((await poll(connection, ask)).road).toBe("kept");
    return connection;
  }

  test("after its session was ended, and is a visitor's then", async () => {
    const cat = await person(url, "Cat");
    const ask = { target: plain, headers: `Host: here\r\nAuthorization: Bearer ${cat.token}\r\n` };
    const connection = await ready(ask);
    await request(url).post("/api/session/end").set("authorization", `Bearer ${cat.token}`).expect(200);
    expect(await poll(connection, ask)).toMatchObject({ road: "whole", memberId: undefined, answer: { status: 200 } });
    expect(await poll(connection, ask)).toMatchObject({ road: "kept", memberId: undefined });
  });

  test.each([
    ["its token has expired", 31 * DAY_MS, async () => ({ target: withParam("token", ann.token) })],
    ["its ticket has expired", 6 * 60_000, async () => ({ target: withParam("ticket", await ticketOf(ann)) })],
  ])("after %s, and is a visitor's then", async (_what, ms, askOf) => {
    const ask = await askOf();
    const connection = await ready(ask);
    const expired = (cursor: string, n: string) => {
      atTime(ms);
      return ask.target(cursor, n);
    };
    const polling = poll(connection, { target: expired });
    await until("it waits", () => readers().length === 1);
    jest.restoreAllMocks();
    expect(await polling).toMatchObject({ road: "whole", memberId: undefined, answer: { status: 200 } });
  });

  test("after its room was removed, and is refused", async () => {
    await request(url).post("/api/rooms").send({ slug: "shed" }).expect(201);
    const connection = dial();
    const target = async (n: string) => `/api/poll;room=shed;after=${await cursorIn("shed")};n=${n};wait=1`;
    for (const road of ["whole", "kept"] as const) {
      const before = await pollsOf(node);
      connection.ask(await target(nextNonce()));
      expect((await connection.answer()).status).toBe(200);
      expect((await pollsOf(node))[road]).toBe(before[road] + 1);
    }
    const asked = await target("removed");
    const [{ id } = {}] = await query(site.databaseUrl, "select id from rooms where slug = 'shed'");
    await query(
      site.databaseUrl,
      `delete from watchers where room_id = ${id};
       update rooms set created_at = now() - interval '25 hours', used_at = now() - interval '25 hours' where id = ${id}`,
    );
    await removeRooms(node.app.site.db, node.app.site.wakeUps);
    await until("the node knows", () => !node.app.site.hub.rooms.all().some(({ slug }) => slug === "shed"));
    connection.ask(asked);
    expect(await connection.answer()).toMatchObject({ status: 404, body: { code: "no_such_room", n: "removed" } });
  });

  test("while the node drains, and is sent away", async () => {
    const draining = await openNode(site.databaseUrl, SECRET);
    opened.push(draining);
    const ask = { target: plain, at: draining };
    const connections = [await ready(ask), dial(draining.url)];
    const cursor = await cursorIn("lobby");
    draining.app.drain();
    const before = await pollsOf(draining);
    for (const connection of connections) {
      connection.ask(plain(cursor, "late"));
      const { status, body } = await connection.answer();
      expect([status, body.signals]).toEqual([
        200,
        expect.arrayContaining([expect.objectContaining({ signal: "bye" })]),
      ]);
    }
    expect(await pollsOf(draining)).toEqual({ kept: before.kept, whole: before.whole + 2 });
  });

  test("while all places are taken, and is refused", async () => {
    const small = await openNode(site.databaseUrl, { ...SECRET, readersMax: 2 });
    opened.push(small);
    const connection = await ready({ target: plain, at: small });
    connection.socket.destroy();
    await until("all places are free", () => small.app.site.hub.slots.size === 0);
    for (let n = 0; n < 2; n += 1) dial(small.url).ask("/api/events?room=lobby");
    await until("both places are taken", () => small.app.site.hub.slots.size === 2);
    const late = dial(small.url);
    late.ask(plain(await cursorIn("lobby"), "late"));
    expect(await late.answer()).toMatchObject({ status: 503, body: { code: "no_place", n: "late" } });
  });

  test("while its network has no polls left, and is refused", async () => {
    const limited = await openNode(site.databaseUrl, { ...SECRET, limits: true });
    opened.push(limited);
    const connections = [await ready({ target: plain, at: limited }), dial(limited.url)];
    const cursor = await cursorIn("lobby");
    const { polls } = limited.app.site.limits;
    // 1,000 a second are refilled.
    jest.spyOn(performance, "now").mockReturnValue(performance.now());
    while (polls.of({ address: "127.0.0.1" }).allows()) polls.take({ address: "127.0.0.1" });
    for (const connection of connections) {
      connection.ask(plain(cursor, "many"));
      expect(await connection.answer()).toMatchObject({ status: 429, body: { code: "too_many", n: "many" } });
    }
  });

  test("after a minute", async () => {
    // A site of its own, because the clocks of its rooms run ahead from then on.
    const own = await openSite(SECRET);
    opened.push(own);
    const aging = own.nodes[0] as TestNode;
    const ask = { target: plain, at: aging };
    const connection = await ready(ask);
    const now = performance.now.bind(performance);
    jest.spyOn(performance, "now").mockImplementation(() => now() + 60_000);
    expect((await poll(connection, ask)).road).toBe("whole");
    expect((await poll(connection, ask)).road).toBe("kept");
  });
});

test("a node remembers 16 MiB of verified polls, and forgets those that were not used for longest", async () => {
  const own = await openNode(site.databaseUrl, SECRET);
  opened.push(own);
  const cursor = await cursorIn("lobby");
  await say(url, bob, "after it, so that each poll is answered at once");
  const headers = (n: number) => `Host: here\r\nX-Shape: ${n}${"x".repeat(1_900)}\r\n`;
  const connection = dial(own.url);
  const ask = async (n: number, on = connection) => {
    on.ask(plain(cursor, `shape-${n}`), headers(n));
    return (await on.answer(20_000)).status;
  };
  expect(await ask(0)).toBe(200);
  await hasRead(own, "lobby");
  const roadOf = async (n: number) => {
    const before = await pollsOf(own);
    expect(await ask(n, dial(own.url))).toBe(200);
    return (await pollsOf(own)).kept > before.kept ? "kept" : "whole";
  };
  expect(await roadOf(0)).toBe("kept");
  // 4.7 kB each.
  const others = Array.from({ length: 3_700 }, (_, n) => n + 1);
  await Promise.all(
    Array.from({ length: 100 }, async () => {
      const on = dial(own.url);
      for (let n = others.shift(); n !== undefined; n = others.shift()) await ask(n, on);
    }),
  );
  expect(await roadOf(3_700)).toBe("kept");
  expect(await roadOf(0)).toBe("whole");
}, 60_000);

test("a kept connection makes way for a newcomer of its address between two polls, but not while a poll waits", async () => {
  const capped = await openNode(site.databaseUrl, SECRET);
  opened.push(capped);
  const caps = { perAddress: 2, perBlock: 2, total: 100, trustProxy: [], shares: () => 1 };
  capConnections(capped.server, caps, capped.app.site.logger);
  const [waiting, idle] = [dial(capped.url), dial(capped.url)];
  const cursor = await cursorIn("lobby");
  for (const connection of [waiting, idle]) {
    connection.ask(`${plain(cursor, "1")};x=1`.replace("wait=25", "wait=1"));
    expect((await connection.answer()).status).toBe(200);
  }
  waiting.ask(`${plain(cursor, "2")};x=1`.replace("wait=25", "wait=1"));
  await until("it waits", () => readers(capped).length === 1);
  const newcomer = dial(capped.url);
  newcomer.ask("/healthz");
  expect((await newcomer.answer()).status).toBe(200);
  await until("the idle one is closed", () => idle.isClosed);
  expect((await waiting.answer()).body.n).toBe("2");
});

test("polls on the fast path and other requests can alternate on a connection of `chattera serve`", async () => {
  const served = await startSite(site.databaseUrl);
  opened.push({ close: () => served.kill("SIGKILL").then(() => undefined) });
  const cursor = await cursorIn("lobby");
  await say(url, bob, "so that each poll is answered at once");
  const connection = dial(served.url);
  for (let n = 0; n < 12; n += 1) {
    connection.ask(plain(cursor, `${n}`));
    expect((await connection.answer()).body).toMatchObject({ n: `${n}`, events: expect.anything() });
    connection.ask("/healthz");
    expect((await connection.answer()).body).toMatchObject({ status: "ok" });
  }
  const metrics = await (await fetch(`${served.url}/metrics`)).text();
  expect(metrics).toContain('chattera_polls_total{road="kept"} 11');
}, 20_000);
