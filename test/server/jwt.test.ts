import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import request from "supertest";
import type { AppSettings } from "../../server/app-settings.ts";
import { openStream } from "../../server/testing.ts";
import { openNode, type TestNode } from "../support/app.ts";
import { createDatabase } from "../support/database.ts";

const SECRET = "a shared secret of 32 characters, or more";
const OURS = { sub: "user-1", name: "Cleo", iss: "https://a.example", aud: "chat" };
const CLEO = { sub: "user-1", name: "Cleo", color: "#00aa00" };

let database: Awaited<ReturnType<typeof createDatabase>>;
const nodes: TestNode[] = [];

beforeAll(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close();
});
afterAll(() => database?.drop());

async function open(options: AppSettings): Promise<string> {
  const node = await openNode(database.url, options);
  nodes.push(node);
  return node.url;
}

type Key = Parameters<SignJWT["sign"]>[0];

function sign(
  claims: JWTPayload,
  { key = new TextEncoder().encode(SECRET), alg = "HS256", kid }: { key?: Key; alg?: string; kid?: string } = {},
): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 600;
  return new SignJWT({ exp, ...claims }).setProtectedHeader({ alg, ...(kid !== undefined && { kid }) }).sign(key);
}

function whoIs(url: string, token: string) {
  return request(url).get("/api/session").set("authorization", `Bearer ${token}`);
}

/** A JWT without a signature. */
function unsigned(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ exp: 9_999_999_999, ...claims })}.`;
}

/** A JWT whose head brings the key that verifies it. */
async function signedByItself(): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const exp = Math.floor(Date.now() / 1000) + 600;
  return new SignJWT({ exp, ...OURS })
    .setProtectedHeader({ alg: "ES256", jwk: await exportJWK(publicKey) })
    .sign(privateKey);
}

describe("a JWT that is signed with the shared secret", () => {
  test("says who a user is: as a bearer token, in a body, in a cookie, on pages with and without a script", async () => {
    const url = await open({ jwtSecret: SECRET, jwtCookie: "jwt" });
    const token = await sign(CLEO);
    const member = { id: "user-1", nickname: "Cleo", color: "#00aa00" };
    expect((await whoIs(url, token).expect(200)).body.member).toEqual(member);
    const as = { cookie: `theme=dark; jwt=${token}` };
    const page = () => request(url).get("/rooms/lobby").set(as).expect(200);
    const form_token = /name="form_token" value="([^"]+)"/.exec((await page()).text)?.[1];
    const send = (form: object) =>
      request(url)
        .post("/rooms/lobby")
        .set(as)
        .type("form")
        .send({ form_token, ...form });
    await send({ nickname: "Cleo" }).expect(303);
    expect((await page()).text).toContain('id="say"');
    await send({ text: "by a form", id: "jwt-form-1" }).expect(303);
    expect((await page()).text).toContain("by a form");
    const own = { ...as, origin: url };
    const say = (id: string) => request(url).post("/api/rooms/lobby/messages").send({ id, text: id });
    expect((await say("jwt-0001").set(own).expect(201)).body.event.member).toMatchObject(member);
    await request(url)
      .post("/api/rooms/lobby/messages")
      .send({ id: "jwt-0002", text: "in the body", token })
      .expect(201);
    // Nobody but the host renames its users, and a client that enters gets the same token.
    const entered = await request(url)
      .post("/api/session")
      .set("authorization", `Bearer ${token}`)
      .send({ nickname: "Cleo" });
    expect(entered.body).toEqual({ chattera: 1, token, member });
    await request(url).post("/api/session").set(own).send({ nickname: "Mallory" }).expect(403);
    // Another site's page has the cookie's word for nothing.
    await say("jwt-0003")
      .set({ ...as, origin: "https://evil.example" })
      .expect(403);
    await request(url).get("/api/rooms/lobby/say?id=jwt-0004&text=hi").set(as).expect(401);
    await say("jwt-0005").expect(401);
  });

  test("is a guest's to do without", async () => {
    const url = await open({ jwtSecret: SECRET });
    const { body } = await request(url).post("/api/session").send({ nickname: "Gus" }).expect(201);
    expect((await whoIs(url, body.token).expect(200)).body.member.nickname).toBe("Gus");
  });

  test("may name a person in several ways, and a long name is cut", async () => {
    const url = await open({ jwtSecret: SECRET });
    const nameOf = async (claims: JWTPayload) => (await whoIs(url, await sign(claims))).body.member?.nickname;
    expect(await nameOf({ sub: "a", nickname: "Al", name: "Alan Turing" })).toBe("Al");
    expect(await nameOf({ sub: "a", preferred_username: "alan" })).toBe("alan");
    expect(await nameOf({ sub: "alan@example" })).toBe("alan@example");
    expect(await nameOf({ sub: "a", name: "Wolfeschlegelsteinhausen" })).toBe("Wolfeschlegelsteinha");
    expect(await nameOf({ sub: "a", name: "Cleo#secret123" })).toBe("Cleo");
    expect(await nameOf({ sub: "a", name: "\u200b" })).toBe("a");
  });

  test("gives a role by a claim of its own name, and by no other", async () => {
    const url = await open({ jwtSecret: SECRET });
    const status = async (claims: JWTPayload) => {
      const token = await sign({ ...CLEO, ...claims });
      return (await request(url).get("/api/rooms/lobby/bans").set("authorization", `Bearer ${token}`)).status;
    };
    expect(await status({ chattera_role: "moderator" })).toBe(200);
    expect(await status({ role: "moderator", roles: ["owner"] })).toBe(403);
    expect(await status({ chattera_role: "admin" })).toBe(401);
  });

  const later = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
  const other = new TextEncoder().encode("another secret of 32 characters, or more");
  test.each([
    ["that has expired", () => sign({ ...OURS, exp: later(-60) })],
    ["that is not valid yet", () => sign({ ...OURS, nbf: later(120) })],
    ["that never expires", () => sign({ ...OURS, exp: undefined as never })],
    ["of nobody", () => sign({ ...OURS, sub: undefined as never })],
    ["with a subject that is no id", () => sign({ ...OURS, sub: "two words" })],
    ["with a subject that is a number", () => sign({ ...OURS, sub: 5 as never })],
    ["with an end that is a text", () => sign({ ...OURS, exp: "tomorrow" as never })],
    ["with an end that is no time", () => sign({ ...OURS, exp: 1e300 })],
    ["signed with another secret", () => sign(OURS, { key: other })],
    ["without a signature", async () => unsigned(OURS)],
    ["of another issuer", () => sign({ ...OURS, iss: "https://b.example" })],
    ["for another audience", () => sign({ ...OURS, aud: "shop" })],
    ["that is none", async () => "a.b.c"],
    ["of 12 kB", async () => `${"a".repeat(4_000)}.${"b".repeat(4_000)}.${"c".repeat(4_000)}`],
    ["that says that it is to be verified by its own key", () => signedByItself()],
  ])("%s is refused", async (_, make) => {
    const url = await open({ jwtSecret: SECRET, jwtIssuer: "https://a.example", jwtAudience: "chat" });
    const good = await sign(OURS);
    await whoIs(url, good).expect(200);
    const bad = await make();
    await whoIs(url, bad).expect(401);
    await request(url).post("/api/rooms/lobby/messages").send({ id: "bad-0001", text: "hi", token: bad }).expect(401);
  });

  test("counts for half a minute after its end, as clocks differ, and then its stream ends", async () => {
    const url = await open({ jwtSecret: SECRET, authSeconds: 1 });
    const token = await sign({ ...CLEO, exp: later(-26) });
    const stream = await openStream(url, { room: "lobby", token, timeoutMs: 30_000 });
    expect(await stream.signal("bye")).toMatchObject({ reason: "not_allowed" });
    await stream.close();
  }, 40_000);
});

describe("a JWT that is signed with a key of a JWKS", () => {
  let server: Server;
  let jwks: object[] = [];
  let isAway = false;
  let reads = 0;
  let jwksUrl = "";

  beforeAll(async () => {
    server = createServer((_, response) => {
      reads += 1;
      response.writeHead(isAway ? 500 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify({ keys: jwks }));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  });
  afterEach(() => {
    isAway = false;
    reads = 0;
  });
  afterAll(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function newKey(alg: string, kid: string) {
    const { publicKey, privateKey } = await generateKeyPair(alg);
    return { key: privateKey, alg, kid, jwk: { ...(await exportJWK(publicKey)), kid, alg } };
  }

  test("is verified with it, and the keys are read once for many requests", async () => {
    const keys = await Promise.all(["ES256", "RS256", "EdDSA"].map((alg) => newKey(alg, alg)));
    jwks = keys.map(({ jwk }) => jwk);
    const url = await open({ jwksUrl });
    for (const key of keys) await whoIs(url, await sign(CLEO, key)).expect(200);
    expect(reads).toBe(1);
    isAway = true;
    await whoIs(url, await sign(CLEO, keys[0])).expect(200);
  });

  test("is verified with a key that took the place of another", async () => {
    const [first, second] = [await newKey("ES256", "first"), await newKey("ES256", "second")];
    jwks = [first.jwk];
    const url = await open({ jwksUrl });
    await whoIs(url, await sign(CLEO, first)).expect(200);
    jwks = [second.jwk];
    // Keys are read again at most every 30 s, so that nobody has them read by unknown ones.
    for (let n = 0; n < 5; n += 1) await whoIs(url, await sign(CLEO, second)).expect(401);
    expect(reads).toBe(1);
    const restarted = await open({ jwksUrl });
    await whoIs(restarted, await sign(CLEO, second)).expect(200);
    await whoIs(restarted, await sign(CLEO, first)).expect(401);
  });

  test("cannot be forged with the public key, as the secret of an HMAC or without a signature", async () => {
    const own = await newKey("RS256", "one");
    jwks = [own.jwk];
    const url = await open({ jwksUrl });
    for (const key of [JSON.stringify(own.jwk), (own.jwk as { n: string }).n]) {
      const forged = await sign(CLEO, { key: new TextEncoder().encode(key), alg: "HS256", kid: "one" });
      await whoIs(url, forged).expect(401);
    }
    await whoIs(url, unsigned(CLEO)).expect(401);
    await whoIs(url, await sign(CLEO, await newKey("RS256", "unknown"))).expect(401);
  });

  test("whose keys cannot be read is answered 503, and a visitor without one is served", async () => {
    isAway = true;
    const own = await newKey("ES256", "one");
    jwks = [own.jwk];
    const url = await open({ jwksUrl });
    const answer = await whoIs(url, await sign(CLEO, own)).expect(503);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    await request(url).get("/rooms/lobby").expect(200);
    for (let n = 0; n < 5; n += 1) await whoIs(url, await sign(CLEO, own)).expect(503);
    expect(reads).toBe(1);
  });
});
