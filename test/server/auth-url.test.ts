import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import pino from "pino";
import request from "supertest";
import type { AppSettings } from "../../server/app-settings.ts";
import { openStream } from "../../server/testing.ts";
import { openNode, person, say, type TestNode } from "../support/app.ts";
import { createDatabase } from "../support/database.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const CLEO = { id: "user-1", nickname: "Cleo", color: "#00aa00" };

/** A question as it arrives at the host. */
type Asked = { [field: string]: unknown } & { ask: string; isSigned: boolean };

let database: Awaited<ReturnType<typeof createDatabase>>;
let host: Server;
let hostUrl = "";
let asked: Asked[] = [];
/** The answer: an object, a status, a body with its type, or nothing if the host never answers. */
let answerTo: (question: Asked) => object | number | Raw | undefined;
type Raw = { status?: number; type: string; raw: string; location?: string };
const nodes: TestNode[] = [];

beforeAll(async () => {
  database = await createDatabase();
  host = createServer(async (incoming, response) => {
    let body = "";
    for await (const part of incoming.setEncoding("utf8")) body += part;
    const { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": signature } = incoming.headers;
    const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
    const expected = `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
    const question = { ...JSON.parse(body), isSigned: signature === expected } as Asked;
    asked.push(question);
    const answer = answerTo(question);
    if (answer === undefined) return;
    if (typeof answer === "object" && "raw" in answer) {
      const { status = 200, type, raw, location = "" } = answer as Raw;
      response.writeHead(status, { "content-type": type, ...(location !== "" && { location }) }).end(raw);
      return;
    }
    response.writeHead(typeof answer === "number" ? answer : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer));
  }).listen(0, "127.0.0.1");
  await once(host, "listening");
  hostUrl = `http://127.0.0.1:${(host.address() as AddressInfo).port}/chat-auth`;
});
beforeEach(() => {
  asked = [];
  answerTo = usual;
});
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close();
});
afterAll(async () => {
  host?.closeAllConnections();
  host?.close();
  await database?.drop();
});

/** Cleo is signed in by a cookie or a token of the host, and only she may read the room `den`. */
function usual({ ask, cookie, authorization, member, room }: Asked): object {
  if (ask === "identify")
    return { member: /\buser=Cleo\b/.test(`${cookie}`) || /^Bearer cleo-\d$/.test(`${authorization}`) ? CLEO : null };
  const isCleo = (member as { id: string } | null)?.id === CLEO.id;
  if (ask === "rooms") return { rooms: isCleo ? ["lobby", "den"] : ["lobby"] };
  return { allow: (room as { slug: string } | null)?.slug !== "den" || isCleo };
}

async function open(options: AppSettings = {}, logger?: Parameters<typeof openNode>[2]): Promise<TestNode> {
  const node = await openNode(database.url, { authUrl: hostUrl, authSecret: SECRET, ...options } as never, logger);
  nodes.push(node);
  if ((await node.app.rooms.find("den")) === undefined) {
    await node.app.rooms.make({ slug: "den" });
    await node.app.post("den", { id: "user-9", nickname: "Nina" }, "the plan");
  }
  return node;
}

const cleo = { cookie: "chattera-3000=ours; user=Cleo; theme=dark" };

describe("a host that answers at CHATTERA_AUTH_URL", () => {
  test("says who its users are, by cookie or token, and what they may do", async () => {
    const { url } = await open();
    const byCookie = await request(url).get("/api/session").set(cleo).expect(200);
    expect(byCookie.body.member).toEqual(CLEO);
    const bearer = { authorization: "Bearer cleo-1" };
    expect((await request(url).get("/api/session").set(bearer).expect(200)).body.member).toEqual(CLEO);
    const page = await request(url).get("/rooms/den").set(cleo).expect(200);
    expect(page.text).toContain("the plan");
    expect(page.text).toContain("Cleo");
    const said = request(url).post("/api/rooms/den/messages").set(bearer).send({ id: "cleo-0001", text: "I am in" });
    expect((await said.expect(201)).body.event.member).toMatchObject(CLEO);
    // The body of a client that cannot send headers.
    await request(url)
      .post("/api/rooms/den/messages")
      .send({ token: "cleo-1", id: "cleo-0002", text: "again" })
      .expect(201);
    for (const path of ["/api/rooms/den/messages", "/rooms/DEN/live", "/api/poll?room=Den&wait=0"])
      expect([path, (await request(url).get(path).redirects(1)).status]).toEqual([path, 403]);
    await request(url).get("/api/rooms/lobby/messages").expect(200);
    const slugsFor = async (headers: { cookie?: string }) =>
      (await request(url).get("/api/rooms").set(headers).expect(200)).body.rooms.map(
        (one: { slug: string }) => one.slug,
      );
    expect((await slugsFor(cleo)).sort()).toEqual(["den", "lobby"]);
    expect(await slugsFor({})).toEqual(["lobby"]);
    expect(asked.every(({ isSigned }) => isSigned)).toBe(true);
  });

  test("gets no cookie and no token of this site, and no cookie that another site could have sent", async () => {
    const { url } = await open({ authCookies: ["user"] });
    await request(url).get("/api/session").set(cleo).expect(200);
    const guest = await person(url, "Gus");
    await say(url, guest, "hello");
    const evil = { ...cleo, origin: "https://evil.example" };
    await request(url).post("/api/rooms/lobby/messages").set(evil).send({ id: "evil-0001", text: "hi" }).expect(403);
    await request(url).get("/api/rooms/lobby/say?id=evil-0002&text=hi").set(cleo).expect(401);
    // A browser sends what a person typed into its own dialog for any page.
    const basic = { ...evil, authorization: "Basic dXNlcjpDbGVv" };
    await request(url).post("/api/rooms/lobby/messages").set(basic).send({ id: "evil-0003", text: "hi" }).expect(403);
    const sent = asked.map(({ cookie, authorization }) => ({ cookie, authorization }));
    expect(new Set(sent.map((one) => JSON.stringify(one)))).toEqual(new Set(['{"cookie":"user=Cleo"}', "{}"]));
  });

  test("is asked once for many requests, however they come, and again when its answer is old", async () => {
    const { url } = await open();
    const ask = () => request(url).get("/api/poll?room=den&wait=0").set(cleo).expect(200);
    await Promise.all(Array.from({ length: 10 }, ask));
    for (let n = 0; n < 5; n += 1) await ask();
    expect(asked.map(({ ask: question }) => question).sort()).toEqual(["authorize", "identify"]);
  });

  test("that is away counts with its last answers, and nobody else gets in", async () => {
    const lines: string[] = [];
    const logger = pino({ level: "warn" }, { write: (line) => lines.push(line) });
    const { url } = await open({ authSeconds: 1 }, logger);
    await request(url).get("/api/poll?room=den&wait=0").set(cleo).expect(200);
    answerTo = () => 502;
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await request(url).get("/api/poll?room=den&wait=0").set(cleo).expect(200);
    const other = await request(url).get("/rooms/den").set({ cookie: "user=Dora" }).expect(503);
    expect(Number(other.headers["retry-after"])).toBeGreaterThan(0);
    await request(url).post("/api/rooms/lobby/messages").set({ authorization: "Bearer dora-1" }).send({}).expect(503);
    // An EventSource would never come back after a 503.
    const stream = await request(url).get("/api/events?room=den").set({ cookie: "user=Dora" }).expect(200);
    expect(stream.text).toContain("event: bye");
    const lost = lines.filter((line) => line.includes("CHATTERA_AUTH_URL"));
    expect(lost).toHaveLength(1);
    expect(lost[0]).toContain("answered with 502");
    expect(asked.length).toBeLessThan(8);
  });

  test.each([
    ["a member without a name", { member: { id: "x" } }],
    ["a member without an id", { member: { nickname: "Ann" } }],
    ["a member that is a text", { member: "Ann" }],
    ["no member", {}],
    ["no object", 200],
    ["a page", { type: "text/html", raw: "<!doctype html><title>Sign in</title>" }],
    ["nothing", { type: "application/json", raw: "" }],
    ["half an answer", { type: "application/json", raw: '{"member":' }],
    ["a redirect to an answer", { status: 302, type: "text/plain", raw: "", location: "/other" }],
    ["a megabyte", { type: "application/json", raw: `{"member":null,"more":"${"x".repeat(1_000_000)}"}` }],
    ["a time out of range", { member: null, seconds: 0 }],
  ])("that answers with %s is not believed", async (_, answer) => {
    answerTo = () => answer as object;
    const { url } = await open();
    await request(url).get("/api/session").set(cleo).expect(503);
  });

  test("believes JSON of any type, and cuts a name that is too long", async () => {
    answerTo = () => ({ type: "text/plain", raw: JSON.stringify({ member: { ...CLEO, nickname: "x".repeat(40) } }) });
    const { url } = await open();
    const { body } = await request(url).get("/api/session").set(cleo).expect(200);
    expect(body.member).toEqual({ ...CLEO, nickname: "x".repeat(20) });
  });

  test("gives its users a role", async () => {
    answerTo = (one) => (one.ask === "identify" ? { member: { ...CLEO, role: "moderator" } } : usual(one));
    const { url } = await open();
    await request(url).get("/api/rooms/den/bans").set(cleo).expect(200);
    expect((await request(url).get("/api/session").set(cleo).expect(200)).body.member).toEqual(CLEO);
  });

  test("keeps nobody out by an answer about somebody else that cannot be used", async () => {
    const lines: string[] = [];
    const logger = pino({ level: "warn" }, { write: (line) => lines.push(line) });
    answerTo = (one) => (/Dora/.test(`${one.cookie}`) ? { member: { id: "two words", nickname: "Dora" } } : usual(one));
    const { url } = await open({}, logger);
    for (let n = 0; n < 3; n += 1) {
      const { body } = await request(url).get("/api/session").set({ cookie: "user=Dora" }).expect(503);
      expect(body.detail).toContain("an answer that cannot be used");
      await request(url)
        .get("/api/session")
        .set({ authorization: `Bearer cleo-${n}` })
        .expect(200);
    }
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("id: a user has an id");
  });

  test("takes away a stream when it takes away the right, or the user", async () => {
    const { url, app } = await open({ authSeconds: 1 });
    const [first, second, guest] = [
      await openStream(url, { room: "den", token: "cleo-1", timeoutMs: 30_000 }),
      await openStream(url, { room: "den", token: "cleo-2", timeoutMs: 30_000 }),
      await openStream(url, { room: "lobby", timeoutMs: 30_000 }),
    ];
    answerTo = (one) => (one.authorization === "Bearer cleo-1" ? { member: null } : usual(one));
    expect(await first.signal("bye")).toMatchObject({ reason: "not_allowed" });
    answerTo = (one) => (one.ask === "authorize" ? { allow: one.member === null } : usual(one));
    expect(await second.signal("bye")).toMatchObject({ reason: "not_allowed" });
    await app.notice("lobby", "still here");
    expect((await guest.events(1))[0]).toMatchObject({ text: "still here" });
    for (const stream of [first, second, guest]) await stream.close();
  }, 60_000);

  test("answers one question only if its address says so", async () => {
    const { url } = await open({ authUrl: `${hostUrl}#identify` } as never);
    await request(url).get("/api/rooms/den/messages").expect(200);
    expect((await request(url).get("/api/session").set(cleo).expect(200)).body.member).toEqual(CLEO);
    expect(asked.map(({ ask }) => ask)).toEqual(["identify"]);
  });

  test("needs a secret, and leaves no question to two answers", async () => {
    const start = (options: object) => openNode(database.url, options);
    await expect(start({ authUrl: hostUrl })).rejects.toThrow("CHATTERA_AUTH_SECRET");
    await expect(start({ authUrl: "ftp://x" })).rejects.toThrow("authUrl: must be an address");
    await expect(start({ jwtSecret: SECRET, jwksUrl: hostUrl })).rejects.toThrow("leave out the other");
  });
});
