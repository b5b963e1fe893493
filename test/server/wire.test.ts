import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { clientId, openNode, person, type TestPerson } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
let ann: TestPerson;

beforeAll(async () => {
  ann = await person(site.url, "Ann");
});

const in64 = (text: string) => Buffer.from(text).toString("base64url");

describe("a parameter in the path", () => {
  test.each(["a/b;c=d?e&f#g%2F+ <日本> 🎉", "\ufeffbegins with a mark", "~", "??>", "1"])(
    "may be %j, as base64url",
    async (text) => {
      const path = `/api/rooms/lobby/say;id=${clientId()};text64=${in64(text)};token=${ann.token};n=x1`;
      const { body } = await request(site.url).get(path).expect(201);
      expect([body.n, body.event.text]).toEqual(["x1", text]);
    },
  );

  test("may be any parameter: a nickname, a room, a cursor", async () => {
    const session = await request(site.url).get(`/api/session;nickname64=${in64("花子/;")};color64=${in64("#a1267a")}`);
    expect(session.body.member).toMatchObject({ nickname: "花子/;", color: "#a1267a" });
    const poll = await request(site.url).get(`/api/poll;room64=${in64("lobby")};after64=${in64("!!")};wait=0`);
    expect(poll.body.reset).toMatchObject({ room: "lobby", reason: "malformed" });
  });

  test.each([
    ["other letters than those", "YWJj!"],
    ["the plain alphabet", "+/+/"],
    ["padding", "YQ=="],
    ["a letter too many", "YWJjZ"],
    ["bits that are left over", "YWJjZB"],
    ["bytes that are not UTF-8", Buffer.from([0x82, 0xa0]).toString("base64url")],
    ["half a character", Buffer.from([0xed, 0xa0, 0x80]).toString("base64url")],
  ])("is refused with %s, and the refusal carries the nonce", async (_, value) => {
    const path = `/api/rooms/lobby/say;id=${clientId()};text64=${value};token=${ann.token};n=x2`;
    const { body } = await request(site.url).get(path).expect(400);
    expect(body).toMatchObject({ chattera: 1, n: "x2", code: "malformed" });
  });

  test.each([";n", ";=x", ";", ";64"])("is refused as %j", async (param) => {
    const { body } = await request(site.url).get(`/api/rooms${param};n=x3`).expect(400);
    expect(body).toMatchObject({ n: "x3", code: "malformed" });
  });
});

describe("sending by GET", () => {
  test("accepts a URL of 2000 characters and no more", async () => {
    const path = (length: number) => {
      const start = `/api/rooms/lobby/say;id=${clientId()};token=${ann.token};text=`;
      return start + "x".repeat(length - start.length);
    };
    await request(site.url).get(path(2000)).expect(201);
    const { body } = await request(site.url)
      .get(`${path(1996)};n=x`)
      .expect(201);
    expect(body.n).toBe("x");
    await request(site.url).get(path(2001)).expect(413);
  });
});

describe("a body", () => {
  const TYPES: [string, string, (fields: { [name: string]: string }) => string][] = [
    ["JSON", "application/json", JSON.stringify],
    ["a form", "application/x-www-form-urlencoded", (fields) => String(new URLSearchParams(fields))],
    ["JSON as text", "text/plain;charset=UTF-8", JSON.stringify],
  ];

  test.each(TYPES)("may be sent as %s everywhere, with token and nonce in it", async (name, type, encode) => {
    const post = async (path: string, fields: { [name: string]: string }) => {
      const { status, body } = await request(site.url)
        .post(path)
        .set("content-type", type)
        .send(encode({ ...fields, n: "in-body" }));
      expect([path, status, body.chattera, body.n]).toEqual([path, expect.any(Number), 1, "in-body"]);
      return { status, body };
    };
    const nickname = `by ${name}`;
    const session = await post("/api/session", { nickname });
    expect([session.status, session.body.member.nickname]).toEqual([201, nickname]);
    const { token } = session.body;
    const message = { id: clientId(), text: "a=b&c 日本 +%" };
    const entered = await post("/api/rooms/lobby/enter", { token });
    expect([entered.status, entered.body.member.nickname]).toEqual([200, nickname]);
    expect((await post("/api/rooms/lobby/typing", { token })).status).toBe(200);
    const said = await post("/api/rooms/lobby/messages", { ...message, token });
    expect([said.status, said.body.event.text]).toEqual([201, message.text]);
    const polled = await post("/api/poll", { room: "lobby", wait: "0", after: said.body.cursor, token });
    expect([polled.status, polled.body.events]).toEqual([200, []]);
    expect((await post("/api/rooms/lobby/leave", { token })).status).toBe(200);
    expect((await post("/api/rooms/lobby/typing", { token })).status).toBe(403);
    expect((await post("/api/session/end", { token })).status).toBe(200);
    expect((await post("/api/rooms/lobby/enter", {})).status).toBe(401);
  });
});

describe("every refusal carries the mark and the nonce", () => {
  const PATH = "/api/rooms/lobby/messages;n=x9";
  const ours = (code: string) => expect.objectContaining({ chattera: 1, n: "x9", code });

  test("405, 413 and 415", async () => {
    const put = await request(site.url).put(PATH);
    const large = await request(site.url)
      .post(PATH)
      .send({ text: "x".repeat(70_000) });
    const typed = await request(site.url).post(PATH).type("application/xml").send("<x/>");
    const packed = await request(site.url).post(PATH).set("content-encoding", "gzip").send({});
    expect([put.status, put.body]).toEqual([405, ours("method_not_allowed")]);
    expect([large.status, large.body]).toEqual([413, ours("too_large")]);
    for (const { status, body } of [typed, packed]) expect([status, body]).toEqual([415, ours("unsupported_type")]);
  });

  test("429 and 503, with the time to wait", async () => {
    const node = await openNode(site.databaseUrl, { limits: true, readersMax: 1 });
    const flood = Array.from({ length: 25 }, () =>
      request(node.url).post(PATH).send({ id: clientId(), text: "x", token: ann.token }),
    );
    const refused = (await Promise.all(flood)).find(({ status }) => status === 429);
    expect(refused?.body).toEqual(ours("too_many"));
    expect(Number(refused?.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    const first = request(node.url)
      .get("/api/poll;room=lobby;wait=20")
      .then(({ body }) => body);
    await until("the node is full", () => node.app.site.hub.readers.size === 1);
    const full = await request(node.url).get("/api/poll;room=lobby;n=x9");
    expect([full.status, full.body, full.headers["retry-after"]]).toEqual([503, ours("no_place"), "5"]);
    node.app.drain();
    expect((await first).signals[0]).toMatchObject({ signal: "bye" });
    await node.close();
  });
});

describe("a poll", () => {
  test("closes its connection on request", async () => {
    const connection = async (more: string) => {
      const { headers } = await fetch(`${site.url}/api/poll;room=lobby;wait=0${more}`);
      return headers.get("connection");
    };
    const asked = ["", ";once=1", ";once=true", ";once=0", ";once="];
    expect(await Promise.all(asked.map(connection))).toEqual([
      "keep-alive",
      "close",
      "close",
      "keep-alive",
      "keep-alive",
    ]);
  });
});

test.each(["poll;wait=0;once=2", "events;pad=yes", "events;late=-1", "stream;pad=2"])(
  "a choice that is neither yes nor no is malformed: %s",
  async (asked) => {
    const { body } = await request(site.url).get(`/api/${asked};room=lobby;n=x4`).expect(400);
    expect(body).toMatchObject({ n: "x4", code: "malformed", detail: expect.stringContaining("true or false") });
  },
);

describe("a page", () => {
  test("contains the name of the visitor's network", async () => {
    const node = await openNode(site.databaseUrl, { trustProxy: ["loopback"] });
    const network = async (address: string) => {
      const { text } = await request(node.url).get("/rooms/lobby").set("x-forwarded-for", address).expect(200);
      return /<main id="room"[^>]* data-network="([^"]*)"/.exec(text)?.[1];
    };
    const home = await network("192.0.2.7");
    const home6 = await network("2001:db8:1:2::7");
    expect([home, home6]).toEqual([expect.stringMatching(/^[\w-]{8}$/), expect.stringMatching(/^[\w-]{8}$/)]);
    expect(await network("192.0.2.200")).toBe(home);
    expect(await network("::ffff:192.0.2.8")).toBe(home);
    expect(await network("2001:db8:1:2:ffff::1")).toBe(home6);
    expect(new Set([home, home6, await network("192.0.3.7"), await network("2001:db8:1:3::7")]).size).toBe(4);
    await node.close();
  });
});
