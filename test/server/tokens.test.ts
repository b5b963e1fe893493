import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import Keygrip from "keygrip";
import { pino } from "pino";
import request from "supertest";
import { ASSETS } from "../../server/http/assets.ts";
import { createTokens, TICKET_MS } from "../../server/token.ts";
import { clientId, openNode, openSite, type TestNode, type TestSite } from "../support/app.ts";
import { until } from "../support/until.ts";
import { visit } from "../support/visit.ts";

const DAY_MS = 24 * 3_600_000;
const OLD = "an old secret of the site";
const NEW = "a new secret of the site!";
const ANN = { id: "ann-id", nickname: "Ann", color: "#0b57d0" };

let site: TestSite;
let node: TestNode;
let other: TestNode;

beforeAll(async () => {
  site = await openSite({ secrets: [OLD], trustProxy: ["loopback"] }, 2);
  [node, other] = site.nodes as [TestNode, TestNode];
});

afterAll(() => site.close());
afterEach(() => {
  jest.restoreAllMocks();
});

/** Moves the clock of tokens, and of nothing else. */
function setClock(ms: number): void {
  jest.spyOn(Date, "now").mockReturnValue(ms);
}

const cookiesOf = (headers: { [name: string]: unknown }) => [headers["set-cookie"] ?? []].flat() as string[];

async function open(nickname: string, headers: { [name: string]: string } = {}) {
  const { body, headers: given } = await request(node.url).post("/api/session").set(headers).send({ nickname });
  return { token: body.token as string, id: body.member.id as string, cookies: cookiesOf(given) };
}

const post = (url: string, token: string) =>
  request(url).post("/api/rooms/lobby/messages").send({ id: clientId(), text: "still here", token });

describe("a token", () => {
  const make = (secrets: string[], sessionMs = 30 * DAY_MS) =>
    createTokens({ secrets, siteSecret: "the log's own secret", sessionMs, formerUntil: Date.now() + sessionMs });

  test("ends when it was unused for the session's life", () => {
    const tokens = make([OLD]);
    const start = Date.now();
    const token = tokens.sign(ANN);
    expect(tokens.verify(token)).toMatchObject({ member: ANN, isOld: false });
    setClock(start + 30 * DAY_MS - 1_000);
    expect(tokens.verify(token)).toBeDefined();
    setClock(start + 30 * DAY_MS + 1_000);
    expect(tokens.verify(token)).toBeUndefined();
  });

  test("contains the beginning of its session, also in a ticket and after a renewal", () => {
    const tokens = make([OLD]);
    const begun = Date.now();
    const first = tokens.verify(tokens.sign(ANN));
    expect(first).toMatchObject({ since: begun, issuedAt: begun });
    setClock(begun + DAY_MS);
    const renewed = tokens.verify(tokens.sign(ANN, first?.since));
    expect(renewed).toEqual({ member: ANN, since: begun, issuedAt: begun + DAY_MS, isOld: false });
    const ticket = tokens.verifyTicket(tokens.ticket(ANN, begun + DAY_MS, begun));
    const expiresAt = begun + DAY_MS + 5 * 60_000;
    expect(ticket).toEqual({ member: ANN, since: begun, issuedAt: begun + DAY_MS, expiresAt });
  });

  test("outlives a change of the secret while the old one is still listed", () => {
    const token = make([OLD]).sign(ANN);
    expect(make([NEW, OLD]).verify(token)).toMatchObject({ member: ANN, isOld: true });
    expect(make([NEW, OLD]).verify(make([NEW]).sign(ANN))).toMatchObject({ isOld: false });
    expect(make([NEW]).verify(token)).toBeUndefined();
  });

  test("is valid for one purpose only, since each has a key of its own", () => {
    const tokens = make([OLD]);
    const ticket = tokens.ticket(ANN, Date.now());
    expect(tokens.verifyTicket(ticket)).toMatchObject({ member: ANN });
    expect(tokens.verify(ticket)).toBeUndefined();
    expect(tokens.verifyTicket(tokens.sign(ANN))).toBeUndefined();
    expect(tokens.readFormToken(tokens.sign(ANN))).toBeUndefined();
    expect(tokens.verify(tokens.formToken("ann-id"))).toBeUndefined();
    expect(tokens.readFormToken(tokens.formToken("ann-id"))).toBe("ann-id");
  });

  test.each(["", ".", "a.b", "a.b.c", "..", `${"x".repeat(5000)}.y`, "\u0000.\u0000", "e30.", ".e30"])(
    "is not read from %j",
    (text) => {
      const tokens = make([OLD]);
      expect([tokens.verify(text), tokens.verifyTicket(text), tokens.readFormToken(text)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    },
  );

  test("returns its member and its end by GET /api/session", async () => {
    const { token, id } = await open("Asker");
    const { body } = await request(node.url).get("/api/session").set("authorization", `Bearer ${token}`).expect(200);
    expect(body.member).toMatchObject({ id, nickname: "Asker" });
    expect(Date.parse(body.expires) - Date.now()).toBeGreaterThan(29.9 * DAY_MS);
    await request(node.url).get("/api/session").expect(401);
  });

  test("is exchanged for a newer one when it is used a day after its issue", async () => {
    const { token } = await open("Slider");
    expect((await post(node.url, token).expect(201)).body.token).toBeUndefined();
    setClock(Date.now() + 1.1 * DAY_MS);
    const { body } = await post(node.url, token).expect(201);
    expect(body.token).toMatch(/^[\w-]+\.[\w-]+$/);
    setClock(Date.now() + 29.5 * DAY_MS);
    await post(other.url, token).expect(401);
    await post(other.url, body.token).expect(201);
  });

  test("is refused on every node within seconds once its session was ended", async () => {
    const { token, id } = await open("Ender");
    const twin = await request(node.url).post("/api/session").send({ nickname: "Ender2", token });
    expect(twin.body.member.id).toBe(id);
    await post(other.url, token).expect(201);
    await request(node.url).post("/api/session/end").set("authorization", `Bearer ${token}`).send({}).expect(200);
    for (const ended of [token, twin.body.token]) {
      await post(node.url, ended).expect(401);
      await until("the other node refuses it", async () => (await post(other.url, ended)).status === 401, 3_000);
    }
    const late = await openNode(site.databaseUrl, { secrets: [OLD] });
    await post(late.url, token).expect(401);
    await late.close();
  });
});

describe("a ticket", () => {
  const ticketOf = async (token: string) =>
    (await request(node.url).post("/api/session/ticket").type("form").send({ token }).expect(200)).body
      .ticket as string;

  test("replaces the token in the URLs of readers and of say, for a few minutes", async () => {
    const { token, id } = await open("Traveler");
    const ticket = await ticketOf(token);
    const say = (key: string) => `/api/rooms/lobby/say;id=${clientId()};text=by-ticket;ticket=${key}`;
    const said = await request(other.url).get(say(ticket)).expect(201);
    expect(said.body.event.member.id).toBe(id);
    await request(node.url).get(`/api/poll?room=lobby&wait=0&ticket=${ticket}`).expect(200);
    setClock(Date.now() + TICKET_MS + 1_000);
    await request(node.url).get(say(ticket)).expect(401);
  });

  test("is issued by GET too, with the token as a header, and to no script", async () => {
    const { token } = await open("Getter");
    const ask = () => request(node.url).get("/api/session/ticket;n=abc").set("authorization", `Bearer ${token}`);
    expect((await ask().expect(200)).body).toMatchObject({ chattera: 1, n: "abc", ticketSeconds: TICKET_MS / 1000 });
    await request(node.url).get(`/api/session/ticket?token=${token}`).expect(401);
  });

  test("is invalid elsewhere, and never exchanged for a token", async () => {
    const { token, id } = await open("Miser");
    const ticket = await ticketOf(token);
    await post(node.url, ticket).expect(401);
    await request(node.url).post("/api/session").send({ nickname: "Miser", token: ticket }).expect(401);
    await request(node.url).post("/api/session/ticket").send({ token: ticket }).expect(401);
    const stranger = await request(node.url).get(`/api/session?nickname=Miser&ticket=${ticket}`);
    expect(stranger.body.member.id).not.toBe(id);
  });

  test("ends with its session", async () => {
    const { token } = await open("Quitter");
    const ticket = await ticketOf(token);
    await request(node.url).post("/api/session/end").send({ token }).expect(200);
    await request(node.url).get(`/api/rooms/lobby/say;id=${clientId()};text=x;ticket=${ticket}`).expect(401);
  });
});

describe("the cookie", () => {
  const TLS = { "x-forwarded-proto": "https", "x-forwarded-host": "chat.example" };

  test("has a name that no sibling domain can plant, under TLS at the root", async () => {
    const { cookies } = await open("Rooted", TLS);
    expect(cookies).toEqual([
      expect.stringMatching(/^__Host-chattera-[\w-]{8}=[\w.-]+; path=\/; .*; secure; httponly$/i),
    ]);
    const planted = (await open("Planter")).cookies[0]?.split(";")[0]?.replace(/^[^=]+/, "chattera-443") as string;
    const page = await request(node.url).get("/rooms/lobby").set(TLS).set("cookie", planted);
    expect(page.text).not.toContain("Planter");
  });

  test("has the port in its name elsewhere, so that two sites on one machine do not collide", async () => {
    const { cookies } = await open("Ported", { "x-forwarded-host": "chat.example:8080" });
    expect(cookies[0]).toMatch(/^chattera-8080=/);
    const deep = await openNode(site.databaseUrl, { basePath: "/chat", trustProxy: ["loopback"] });
    const { headers } = await request(deep.url).post("/chat/api/session").set(TLS).send({ nickname: "Deep" });
    expect(cookiesOf(headers)[0]).toMatch(/^chattera-[\w-]{8}=[\w.-]+; path=\/chat; .*; secure/);
    await deep.close();
  });

  test("has another name in each site of one machine, also over TLS and behind proxies that drop the port", async () => {
    const neighbor = await openSite({ secrets: [OLD], trustProxy: ["loopback"] });
    const [{ url }] = neighbor.nodes as [TestNode];
    for (const headers of [
      { "x-forwarded-host": "chat.example" },
      TLS,
      { ...TLS, "x-forwarded-host": "chat.example:8443" },
    ]) {
      const names = async (sites: string[]) => {
        const opened = await Promise.all(
          sites.map((one) => request(one).post("/api/session").set(headers).send({ nickname: "Neighbor" })),
        );
        return opened.map((one) => cookiesOf(one.headers)[0]?.split("=")[0]);
      };
      const [here, there] = await names([node.url, url]);
      // With the port in the name, a proxy passes it on, and two sites have two ports.
      if (headers["x-forwarded-host"].endsWith(":8443")) expect(here).toBe("__Host-chattera-8443");
      else expect(here).not.toBe(there);
      expect(await names([other.url])).toEqual([here]);
    }
    await neighbor.close();
  });

  test("of a name that it had before is exchanged once, and another site's is left alone", async () => {
    const neighbor = await openSite({ secrets: [NEW], trustProxy: ["loopback"] });
    const [{ url }] = neighbor.nodes as [TestNode];
    for (const [headers, former] of [
      [TLS, "__Host-chattera"],
      [TLS, "chattera"],
      [{ "x-forwarded-host": "chat.example" }, "chattera-80"],
    ] as const) {
      const { token } = await open("Stayer");
      const cookie = `${former}=${token}`;
      const page = await request(node.url).get("/rooms/lobby").set(headers).set("cookie", cookie);
      expect(page.text).toContain('data-nickname="Stayer"');
      const [newer, cleared] = cookiesOf(page.headers);
      expect([
        newer?.startsWith(`${former}=`),
        cleared?.startsWith(`${former}=; path=/; expires=Thu, 01 Jan 1970`),
      ]).toEqual([false, true]);
      const renewed = newer?.split(";")[0] as string;
      const again = await request(node.url).get("/rooms/lobby").set(headers).set("cookie", renewed);
      expect([again.text.includes('data-nickname="Stayer"'), cookiesOf(again.headers)]).toEqual([true, []]);
      const elsewhere = await request(url).post("/api/session/end").set(headers).set("cookie", cookie).send({});
      expect(cookiesOf(elsewhere.headers).filter((one) => one.startsWith(`${former}=`))).toEqual([]);
    }
    await neighbor.close();
  });

  test("is not set by a request that a token in its body authorizes, which may be the attacker's", async () => {
    const { token } = await open("Fixer");
    for (const headers of [{}, { "sec-fetch-site": "same-origin" }] as { [name: string]: string }[]) {
      const fixed = await request(node.url)
        .post("/api/session")
        .set(headers)
        .type("form")
        .send({ token, nickname: "alice" });
      expect([fixed.status, cookiesOf(fixed.headers)]).toEqual([201, []]);
    }
    const page = await request(node.url).get("/");
    const form = { form_token: /name="form_token" value="([^"]+)"/.exec(page.text)?.[1], token, room: "lobby" };
    const entered = await request(node.url)
      .post("/")
      .type("form")
      .send({ ...form, nickname: "alice2" });
    expect([entered.status, cookiesOf(entered.headers)]).toEqual([303, []]);
  });

  test("is sent in a frame of a listed origin, over TLS", async () => {
    const framed = await openNode(site.databaseUrl, { trustProxy: ["loopback"], origins: ["https://a.example"] });
    for (const [headers, expected] of [
      [TLS, /^__Host-chattera-[\w-]{8}=.*; samesite=none; secure; httponly; partitioned$/i],
      [{}, /^chattera-\d+=.*; samesite=lax; httponly$/i],
    ] as const) {
      const opened = await request(framed.url).post("/api/session").set(headers).send({ nickname: "Framed" });
      expect(cookiesOf(opened.headers)).toEqual([expect.stringMatching(expected)]);
    }
    await framed.close();
  });

  test("is renewed when it is a day old", async () => {
    const { cookies } = await open("Renewed");
    const cookie = cookies[0]?.split(";")[0] as string;
    expect(cookiesOf((await request(node.url).get("/").set("cookie", cookie)).headers)).toEqual([]);
    setClock(Date.now() + 2 * DAY_MS);
    const [newer] = cookiesOf((await request(node.url).get("/").set("cookie", cookie)).headers);
    expect(newer?.split("=")[0]).toBe(cookie.split("=")[0]);
    expect(newer).not.toContain(cookie);
    setClock(Date.now() + 29 * DAY_MS);
    const page = await request(node.url)
      .get("/rooms/lobby")
      .set("cookie", newer?.split(";")[0] as string);
    expect(page.text).toContain('data-nickname="Renewed"');
  });

  test("of the former name and form is exchanged for a new one, and cleared", async () => {
    const payload = Buffer.from(JSON.stringify({ ...ANN, id: "former-id", nickname: "Former" })).toString("base64url");
    const signature = new Keygrip([OLD], "sha256", "base64").sign(`session ${payload}`);
    const page = await request(node.url).get("/rooms/lobby").set("cookie", `chattera=${payload}.${signature}`);
    expect(page.text).toContain('data-member-id="former-id"');
    const [newer, former] = cookiesOf(page.headers);
    expect(newer).toMatch(/^chattera-\d+=/);
    expect(former).toMatch(/^chattera=; path=\/; expires=Thu, 01 Jan 1970/);
    const again = await request(other.url)
      .get("/rooms/lobby")
      .set({ cookie: newer as string, host: new URL(node.url).host });
    expect(again.text).toContain('data-member-id="former-id"');
    setClock(Date.now() + 31 * DAY_MS);
    const late = await request(node.url).get("/rooms/lobby").set("cookie", `chattera=${payload}.${signature}`);
    expect(late.text).not.toContain("former-id");
  });
});

describe("a site that knows its names", () => {
  test("answers under them only, and a balancer by address; a refusal has its style sheet and is logged", async () => {
    const lines: { msg: string }[] = [];
    const logger = pino({ level: "warn" }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const hosts = ["Chat.example.org", "[::1]:3000", "chat.test:8080"];
    const named = await openNode(site.databaseUrl, { hosts }, logger);
    const ask = async (host: string, path = "/api/rooms") => {
      const { status, body } = await request(named.url)
        .get(path)
        .set({ host, origin: `http://${host}` });
      return status === 200 ? 200 : [status, body.code];
    };
    for (const host of [
      "chat.example.org",
      "CHAT.example.ORG:8080",
      "chat.example.org.",
      "[::1]:3000",
      "chat.test:8080",
    ])
      expect([host, await ask(host)]).toEqual([host, 200]);
    for (const host of [
      "evil.com",
      "chat.example.org.evil.com",
      "127.0.0.1",
      "[::1]",
      "chat.test",
      "x@chat.test:8080",
      ".",
    ])
      expect([host, await ask(host)]).toEqual([host, [421, "wrong_host"]]);
    expect(await ask("10.0.0.1:3000", "/healthz")).toBe(200);
    expect(await ask("evil.com", `/assets/${ASSETS.style}`)).toBe(200);
    const refused = lines.filter(({ msg }) => msg === "request refused: its host is not in CHATTERA_HOSTS");
    expect(refused).toEqual([expect.objectContaining({ level: 40, host: "evil.com", requests: 1 })]);
    const form = await request(named.url).post("/rooms/lobby").set({ host: "evil.com", origin: "http://evil.com" });
    expect(form.status).toBe(421);
    for (const path of ["/nope", "/api/nope", "//", "/ROOMS/lobby", "/rooms/LOBBY", "/api/rooms;%ff"]) {
      const { status, headers } = await request(named.url).get(path).set({ host: "evil.com" });
      expect([path, status, headers.location]).toEqual([path, 421, undefined]);
    }
    const twice = await visit({ port: Number(new URL(named.url).port) }, "http://evil.com/api/rooms", {
      headers: { host: "chat.test:8080" },
    });
    expect(twice.status).toBe(400);
    await named.close();
  });

  test("counts a page under any of them as its own, also behind a proxy that does not pass the name on", async () => {
    const named = await openNode(site.databaseUrl, { hosts: ["chat.example.org", "127.0.0.1"] });
    const enter = (origin: string) => request(named.url).post("/api/session").set({ origin }).send({ nickname: "Own" });
    await enter("http://chat.example.org").expect(201);
    await enter("https://chat.example.org").expect(201);
    // Another port of the host is another site, unless it is named.
    const { port } = new URL(named.url);
    await enter(`http://127.0.0.1:${port}`).expect(201);
    for (const origin of [
      "http://evil.com",
      "http://chat.example.org:9999",
      "http://127.0.0.1:9999",
      "http://127.0.0.1",
      "https://127.0.0.1",
    ])
      expect([origin, (await enter(origin)).status]).toEqual([origin, 403]);
    await named.close();
  });
});
