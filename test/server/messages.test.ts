import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { clientId, openNode, openSite, person, say, type TestNode, type TestPerson } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const PATH = "/api/rooms/lobby/messages";
const site = useSite();
let ann: TestPerson;

beforeAll(async () => {
  ann = await person(site.url, "Ann");
});

const bearer = (who: TestPerson) => ["authorization", `Bearer ${who.token}`] as const;

describe("a message", () => {
  test("is answered with its event and the cursor after it, the mark and the nonce", async () => {
    const { body } = await request(site.url)
      .post(`${PATH}?n=nonce1`)
      .set(...bearer(ann))
      .send({ id: "message-01", text: "hi" })
      .expect(201);
    expect(body).toMatchObject({
      chattera: 1,
      n: "nonce1",
      event: { room: "lobby", kind: "message", text: "hi", id: "message-01" },
    });
    expect(body.cursor).toMatch(/^[A-Za-z0-9._~-]{1,128}$/);
  });

  test("that is resent, also many times at once, gets the first answer", async () => {
    const first = await request(site.url)
      .post(PATH)
      .set(...bearer(ann))
      .send({ id: "message-02", text: "once" })
      .expect(201);
    const again = await Promise.all(
      Array.from({ length: 10 }, () =>
        request(site.url)
          .post(PATH)
          .set(...bearer(ann))
          .send({ id: "message-02", text: "other" }),
      ),
    );
    for (const { status, body } of again) expect([status, body]).toEqual([200, first.body]);
  });

  test("that many requests send at once, on two nodes, is stored once", async () => {
    const other = await openNode(site.databaseUrl);
    const id = clientId();
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        request(n % 2 ? site.url : other.url)
          .post(PATH)
          .set(...bearer(ann))
          .send({ id, text: "one" }),
      ),
    );
    await other.close();
    expect(sent.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(sent.map(({ body }) => body.event.seq)).size).toBe(1);
  });

  test("enters its sender into the room", async () => {
    const newcomer = await person(site.url, "Newcomer");
    const { event } = await say(site.url, newcomer, "I speak, so I am here");
    const { body } = await request(site.url).get(`${PATH}?limit=1`);
    expect(body.events.map((one: { kind: string }) => one.kind)).toEqual(["message"]);
    const { body: more } = await request(site.url).get(`${PATH}?limit=2`);
    expect(more.events.map((one: { kind: string }) => one.kind)).toEqual(["message", "enter", "message"]);
    expect(more.events[2].seq).toBe(event.seq);
  });

  test.each([
    [
      "a form",
      "application/x-www-form-urlencoded",
      (id: string, text: string) => new URLSearchParams({ id, text }).toString(),
    ],
    ["JSON", "application/json", (id: string, text: string) => JSON.stringify({ id, text })],
    ["JSON as text", "text/plain", (id: string, text: string) => JSON.stringify({ id, text, token: ann.token })],
  ])("may come as %s", async (_, type, encode) => {
    const text = "a=b&c <日本> 🎉";
    const { body } = await request(site.url)
      .post(PATH)
      .set("content-type", type)
      .set(type === "text/plain" ? {} : { authorization: `Bearer ${ann.token}` })
      .send(encode(clientId(), text))
      .expect(201);
    expect(body.event.text).toBe(text);
  });

  test("may come by GET where POST is blocked, in the query or in the path, as JSON or as a script", async () => {
    const id = clientId();
    const query = `id=${id}&text=${encodeURIComponent("by get 日本")}&token=${ann.token}`;
    const first = await request(site.url).get(`/api/rooms/lobby/say?${query}`).expect(201);
    expect(first.body.event.text).toBe("by get 日本");
    const inPath = await request(site.url)
      .get(`/api/rooms/lobby/say;${query.replaceAll("&", ";")};n=x1`)
      .expect(200);
    expect(inPath.body).toEqual({ ...first.body, n: "x1" });
    const script = await request(site.url)
      .get(`/api/rooms/lobby/say?${query}&callback=a.b$`)
      .buffer(true)
      .parse(asText);
    expect(script.headers["content-type"]).toBe("application/javascript; charset=utf-8");
    expect(script.headers["cross-origin-resource-policy"]).toBe("same-origin");
    expect(script.body).toMatch(/^\/\*\*\/a\.b\$\(\{"chattera":1,.*\}\);$/);
  });

  test("is not stored by a HEAD request", async () => {
    const id = clientId();
    const path = `/api/rooms/lobby/say?id=${id}&text=x&token=${ann.token}`;
    await request(site.url).head(path).expect(405);
    await request(site.url).get(path).expect(201);
  });

  test("that is refused, or has no route, gets the mark and the nonce too", async () => {
    const { body } = await request(site.url).post(`${PATH}?n=abc`).send({ id: clientId(), text: "x" }).expect(401);
    expect(body).toMatchObject({ chattera: 1, n: "abc", code: "no_session" });
  });

  test("with a nonce or a callback that cannot be returned is refused, and not stored", async () => {
    const id = clientId();
    const path = `/api/rooms/lobby/say?id=${id}&text=x&token=${ann.token}`;
    await request(site.url).get(`${path}&callback=1`).expect(400);
    await request(site.url).get(`${path}&n=%20`).expect(400);
    await request(site.url).get(path).expect(201);
  });

  test("by GET ignores the cookie", async () => {
    await request(site.url).get("/api/rooms/lobby/say?id=cookie-get&text=x").set("cookie", ann.cookie).expect(401);
  });

  test.each([
    ["no id", { text: "x" }, "malformed"],
    ["an id too short", { id: "1234567", text: "x" }, "malformed"],
    ["an id too long", { id: "x".repeat(65), text: "x" }, "malformed"],
    ["an id with a line end", { id: "12345678\n", text: "x" }, "malformed"],
    ["an id that is no text", { id: 12_345_678, text: "x" }, "malformed"],
    ["no text", { id: "abcdefgh" }, "malformed"],
    ["a text that is none", { id: "abcdefgh", text: { a: 1 } }, "malformed"],
    ["an empty text", { id: "abcdefgh", text: "" }, "text_invalid"],
    ["nothing to be seen", { id: "abcdefgh", text: " \n\u3000\u200b" }, "text_invalid"],
    ["2001 characters", { id: "abcdefgh", text: "🎉".repeat(2001) }, "text_invalid"],
    ["a NUL", { id: "abcdefgh", text: "a\0b" }, "text_invalid"],
    ["an escape", { id: "abcdefgh", text: "a\u001b[31m" }, "text_invalid"],
    ["half a character", { id: "abcdefgh", text: "a\ud83c" }, "text_invalid"],
  ])("with %s is refused", async (_, body, code) => {
    const answer = await request(site.url)
      .post(PATH)
      .set(...bearer(ann))
      .set("content-type", "application/json")
      .send(JSON.stringify(body));
    expect([answer.status, answer.body.code, answer.type]).toEqual([400, code, "application/problem+json"]);
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  });

  test("of bytes that are not UTF-8 is refused, not stored as something else", async () => {
    const form = request(site.url)
      .post(PATH)
      .type("form")
      .set(...bearer(ann))
      .send(`id=${clientId()}&text=%82%a0`);
    expect((await form).status).toBe(400);
    const say = (text: string) =>
      request(site.url).get(`/api/rooms/lobby/say?id=${clientId()}&text=${text}&token=${ann.token}`);
    expect((await say("a%ff")).status).toBe(400);
    expect((await say("100%25")).body.event.text).toBe("100%");
  });

  test("that is too large closes its connection, so that the next request does not hang", async () => {
    const sending = httpRequest(`${site.url}${PATH}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
    });
    const answered = once(sending, "response");
    for (let n = 0; n < 20; n += 1) sending.write("x".repeat(10_000));
    const [response] = (await answered) as [IncomingMessage];
    expect([response.statusCode, response.headers.connection]).toEqual([413, "close"]);
    response.resume();
    sending.on("error", () => undefined).end();
    await once(response, "close");
  });

  test("of 2000 characters beyond the basic plane passes", async () => {
    const { event } = await say(site.url, ann, "🎉".repeat(2000));
    expect([...event.text]).toHaveLength(2000);
  });

  test("is refused with the reason: the room, the session, the type, the size, the encoding, the bytes", async () => {
    const post = (path = PATH) =>
      request(site.url)
        .post(path)
        .set(...bearer(ann));
    const message = { id: clientId(), text: "x" };
    const code = async (answer: request.Test) => {
      const { status, body } = await answer;
      return [status, body.code];
    };
    expect(await code(post("/api/rooms/nowhere/messages").send(message))).toEqual([404, "no_such_room"]);
    expect(await code(post("/api/rooms/a%00b/messages").send(message))).toEqual([404, "no_such_room"]);
    expect(await code(post("/api/rooms/%ff/messages").send(message))).toEqual([400, "malformed"]);
    expect(await code(request(site.url).post(PATH).send(message))).toEqual([401, "no_session"]);
    expect(await code(request(site.url).post(PATH).set("authorization", `Bearer ${ann.token}x`).send(message))).toEqual(
      [401, "no_session"],
    );
    expect(await code(post().type("application/xml").send("<x/>"))).toEqual([415, "unsupported_type"]);
    expect(await code(post().set("content-encoding", "gzip").send(message))).toEqual([415, "unsupported_type"]);
    expect(await code(post().send({ ...message, more: "x".repeat(70_000) }))).toEqual([413, "too_large"]);
    expect(await code(post().type("json").send("{"))).toEqual([400, "malformed"]);
    expect(await code(post().type("json").send("[1]"))).toEqual([400, "malformed"]);
    expect(
      await code(
        post()
          .type("json")
          .send(Buffer.from([0x22, 0xff, 0x22]) as unknown as string),
      ),
    ).toEqual([400, "malformed"]);
    expect(await code(request(site.url).put(PATH))).toEqual([405, "method_not_allowed"]);
    expect((await request(site.url).put(PATH)).headers.allow?.split(", ").sort()).toEqual(["GET", "HEAD", "POST"]);
  });
});

describe("history", () => {
  test("returns pages back to the first event, and names the oldest one kept", async () => {
    await request(site.url).post("/api/rooms").send({ slug: "history" }).expect(201);
    for (let n = 0; n < 5; n += 1) await say(site.url, ann, { text: `h${n}`, room: "history" });
    const page = async (query: string) =>
      (await request(site.url).get(`/api/rooms/history/messages?${query}`).expect(200)).body;
    const last = await page("limit=2");
    expect(last.events.map((event: { seq: number }) => event.seq)).toEqual([5, 6]);
    const before = await page("before=5&limit=10");
    expect(before.events.map((event: { seq: number }) => event.seq)).toEqual([1, 2, 3, 4]);
    expect([last.oldest, before.oldest]).toEqual([1, 1]);
    expect((await page("before=1")).events).toEqual([]);
  });

  test.each(["before=x", "before=-1", "limit=1.5", "limit=99999999999999999999"])("refuses %s", async (query) => {
    expect((await request(site.url).get(`${PATH}?${query}`)).status).toBe(400);
  });
});

describe("limits", () => {
  test("a flood by one member is refused with the time to wait, and others pass", async () => {
    const node = await openNode(site.databaseUrl, { limits: true });
    const flooder = await person(node.url, "Flooder");
    const answers = await Promise.all(
      Array.from({ length: 30 }, () =>
        request(node.url)
          .post(PATH)
          .set(...bearer(flooder))
          .send({ id: clientId(), text: "x" }),
      ),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(10);
    expect(Number(refused[0]?.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    const said = answers.find(({ status }) => status === 201)?.body;
    const again = request(node.url)
      .post(PATH)
      .set(...bearer(flooder))
      .send({ id: said.event.id, text: "x" });
    expect((await again).body).toEqual(said);
    await say(node.url, ann, "I pass");
    await node.close();
  });
});

test("limits by address are shared by all addresses of an IPv6 network, and by no two of IPv4", async () => {
  const node = await openNode(site.databaseUrl, { limits: true, trustProxy: ["loopback"] });
  const asked = async (address: (n: number) => string) => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        request(node.url)
          .post("/api/rooms")
          .set("x-forwarded-for", address(n + 1))
          .send({ slug: `limit-${address(n + 1).replace(/[.:]/g, "-")}` }),
      ),
    );
    return answers.filter(({ status }) => status === 429).length;
  };
  expect(await asked((n) => `2001:db8:1:2:${n}::${n}`)).toBe(10);
  expect(await asked((n) => `2001:db8:2:${n}::7`)).toBe(0);
  expect(await asked((n) => `192.0.2.${n}`)).toBe(0);
  await node.close();
});

test("members that enter and send are recorded as seen once a presence round, in one statement", async () => {
  const { nodes, close } = await openSite({ graceSeconds: 3 });
  const node = nodes[0] as TestNode;
  const noted: string[][] = [];
  node.app.site.db.on("query", ({ sql, bindings }) => {
    if (/update members m set seen_at/.test(sql)) noted.push(bindings[1]);
  });
  const speakers = await Promise.all(["One", "Two"].map((nickname) => person(node.url, nickname)));
  await say(node.url, speakers[0] as TestPerson, "before");
  await until("a round has passed", () => noted.length > 0);
  noted.length = 0;
  for (const text of ["first", "second", "third"]) for (const who of speakers) await say(node.url, who, text);
  await until("they are noted", () => noted.length > 0);
  expect(noted.map((ids) => ids.toSorted())).toEqual([speakers.map(({ id }) => id).toSorted()]);
  await close();
});

function asText(response: request.Response, done: (error: Error | null, body: string) => void): void {
  let text = "";
  const stream = response as unknown as NodeJS.ReadableStream;
  stream.on("data", (part) => {
    text += part;
  });
  stream.on("end", () => done(null, text));
}
