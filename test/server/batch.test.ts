import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { clientId, openNode, person, say, type TestPerson } from "../support/app.ts";
import { useSite } from "../support/use-site.ts";

const PATH = "/api/rooms/lobby/messages";
const FORM = "application/x-www-form-urlencoded";
const site = useSite();
let ann: TestPerson;

beforeAll(async () => {
  ann = await person(site.url, "Ann");
});

type Said = { id: string; text: string };

const said = (...texts: string[]): Said[] => texts.map((text) => ({ id: clientId(), text }));

function post(messages: unknown, { who = ann, url = site.url, path = PATH } = {}) {
  return request(url)
    .post(path)
    .set("authorization", `Bearer ${who.token}`)
    .set("content-type", "application/json")
    .send(JSON.stringify({ messages }));
}

async function logOf(url = site.url): Promise<{ seq: number; text?: string; kind: string }[]> {
  return (await request(url).get(`${PATH}?limit=200`).expect(200)).body.events;
}

/** Counts the statements that append to the log while some work is done. */
async function appendsOf(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const note = ({ sql }: { sql: string }) => {
    if (/from (append_drafts|enter_and_append_drafts)\(/.test(sql)) count += 1;
  };
  const { db } = site.node.app.site;
  db.on("query", note);
  await work();
  db.off("query", note);
  return count;
}

describe("several messages in one request", () => {
  test("are stored in their order, in one commit, and each has its own answer", async () => {
    await say(site.url, ann, "before");
    const messages = said("one", "two", "three");
    let body: { results: { event: { seq: number }; isNew: boolean }[]; cursor: string } | undefined;
    const appends = await appendsOf(async () => {
      const answer = await post(messages).expect(200);
      body = answer.body;
    });
    expect(appends).toBe(1);
    expect(body).toMatchObject({
      chattera: 1,
      results: messages.map(({ id, text }) => ({ isNew: true, event: { id, text, kind: "message", room: "lobby" } })),
    });
    const seqs = body?.results.map(({ event }) => event.seq) ?? [];
    expect(seqs).toEqual([0, 1, 2].map((n) => (seqs[0] as number) + n));
    expect(body?.cursor.endsWith(`-${seqs[2]}`)).toBe(true);
    expect((await logOf()).slice(-3).map(({ text }) => text)).toEqual(["one", "two", "three"]);
  });

  test("may be fifty, and not none, fifty-one or something else", async () => {
    const fifty = said(...Array.from({ length: 50 }, (_, n) => `fifty ${n}`));
    expect((await post(fifty).expect(200)).body.results).toHaveLength(50);
    const one = said("one")[0] as Said;
    const lists = [
      [],
      [...fifty, one],
      "text",
      {},
      null,
      [1],
      [null],
      [[one]],
      [one, { id: 12_345_678, text: "x" }],
      [one, { id: clientId(), text: ["x"] }],
      [one, { id: clientId() }],
    ];
    for (const list of lists) expect([list, (await post(list)).status]).toEqual([list, 400]);
    expect((await logOf()).map(({ text }) => text)).not.toContain("one ");
    const both = { ...one, messages: [one] };
    const sent = request(site.url).post(PATH).set("authorization", `Bearer ${ann.token}`);
    expect((await sent.send(both)).body.code).toBe("malformed");
  });

  test("are not stopped by one that is refused, and the others keep their order", async () => {
    const messages = [
      ...said("first"),
      { id: "short", text: "an id too short" },
      ...said("  ", "second", "half \ud83d", "x".repeat(2001), "third"),
    ];
    const { results } = (await post(messages).expect(200)).body;
    expect(results.map(({ code, event }: { code?: string; event?: Said }) => code ?? event?.text)).toEqual([
      "first",
      "malformed",
      "text_invalid",
      "second",
      "text_invalid",
      "text_invalid",
      "third",
    ]);
    expect(results[1].detail).toContain("id");
    expect((await logOf()).slice(-3).map(({ text }) => text)).toEqual(["first", "second", "third"]);
  });

  test("that are resent get their first events, in whatever batch they come", async () => {
    const messages = said("a", "b", "c");
    const first = (await post(messages.slice(0, 2))).body.results;
    const again = (await post(messages)).body.results;
    expect(again.map(({ isNew }: { isNew: boolean }) => isNew)).toEqual([false, false, true]);
    expect(again.slice(0, 2).map(({ event }: { event: unknown }) => event)).toEqual(
      first.map(({ event }: { event: unknown }) => event),
    );
    const alone = await request(site.url)
      .post(PATH)
      .set("authorization", `Bearer ${ann.token}`)
      .send(messages[2])
      .expect(200);
    expect(alone.body.event).toEqual(again[2].event);
  });

  test("with one id twice store the first of the two", async () => {
    const [one, two] = said("the first", "another");
    const { results } = (await post([one, { ...one, text: "the same id" }, two]).expect(200)).body;
    expect(results.map(({ isNew, event }: { isNew: boolean; event: Said }) => [isNew, event.text])).toEqual([
      [true, "the first"],
      [false, "the first"],
      [true, "another"],
    ]);
  });

  test("that two nodes get at once are stored once", async () => {
    const other = await openNode(site.databaseUrl);
    const messages = said("x1", "x2", "x3", "x4");
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => post(messages, { url: n % 2 ? site.url : other.url })),
    );
    await other.close();
    const news = answers.flatMap(({ body }) => body.results.map(({ isNew }: { isNew: boolean }) => isNew));
    expect(news.filter(Boolean)).toHaveLength(4);
    expect(
      new Set(answers.map(({ body }) => JSON.stringify(body.results.map(({ event }: { event: Said }) => event)))).size,
    ).toBe(1);
  });

  test("enter their author into the room, unless all of them are resends", async () => {
    const newcomer = await person(site.url, "Newcomer");
    const messages = said("here", "I am");
    await post(messages, { who: newcomer }).expect(200);
    expect((await logOf()).slice(-3).map(({ kind }) => kind)).toEqual(["enter", "message", "message"]);
    await request(site.url).post("/api/rooms/lobby/leave").set("authorization", `Bearer ${newcomer.token}`).expect(200);
    const { results } = (await post(messages, { who: newcomer }).expect(200)).body;
    expect(results.map(({ isNew }: { isNew: boolean }) => isNew)).toEqual([false, false]);
    expect((await logOf()).at(-1)?.kind).toBe("leave");
  });

  test("are refused alike if their author may not enter, except those that are stored already", async () => {
    const [early, late] = [await person(site.url, "Same"), await person(site.url, "same")];
    const stored = said("stored before");
    await post(stored, { who: late }).expect(200);
    await request(site.url).post("/api/rooms/lobby/leave").set("authorization", `Bearer ${late.token}`).expect(200);
    await say(site.url, early, "I have the name now");
    const { results } = (await post([...stored, ...said("p", "q")], { who: late }).expect(200)).body;
    expect(results.map(({ code, isNew }: { code?: string; isNew?: boolean }) => code ?? isNew)).toEqual([
      false,
      "nickname_taken",
      "nickname_taken",
    ]);
  });

  test("are refused as a whole for another nickname, without a session, and in a room that does not exist", async () => {
    const messages = said("x", "y");
    const sent = (body: object, token = ann.token) =>
      request(site.url).post(PATH).set("authorization", `Bearer ${token}`).send(body);
    expect((await sent({ messages, nickname: "Bob" })).status).toBe(401);
    expect((await sent({ messages }, `${ann.token}x`)).status).toBe(401);
    expect((await post(messages, { path: "/api/rooms/nowhere/messages" })).status).toBe(404);
  });

  test.each([
    ["a form", FORM, (list: Said[]) => list.map((one) => new URLSearchParams(one).toString()).join("&")],
    ["JSON as text", "text/plain", (list: Said[]) => JSON.stringify({ messages: list, token: ann.token })],
  ])("may come as %s", async (_, type, encode) => {
    const messages = said(...Array.from({ length: 50 }, (_, n) => `${type} a=b&c <日本> ${n}`));
    const sent = request(site.url).post(PATH).set("content-type", type);
    if (type === FORM) sent.set("authorization", `Bearer ${ann.token}`);
    const { results } = (await sent.send(encode(messages)).expect(200)).body;
    expect(results.map(({ event }: { event: Said }) => event.text)).toEqual(messages.map(({ text }) => text));
  });

  test("may come by GET, in the query or in the path, as JSON or as a script", async () => {
    const inQuery = said("q 日本", "q2");
    const query = inQuery.map(({ id, text }) => `id=${id}&text=${encodeURIComponent(text)}`).join("&");
    const one = await request(site.url).get(`/api/rooms/lobby/say?${query}&token=${ann.token}`).expect(200);
    expect(one.body.results.map(({ event }: { event: Said }) => event.text)).toEqual(["q 日本", "q2"]);
    const inPath = said("", ...Array.from({ length: 20 }, (_, n) => `${n} 日`));
    const path = inPath.map(({ id, text }) => `;id=${id};text64=${Buffer.from(text).toString("base64url")}`).join("");
    const url = `/api/rooms/lobby/say${path};token=${ann.token};n=x1`;
    expect(url.length).toBeLessThan(2000);
    const other = await request(site.url).get(url).expect(200);
    expect(other.body).toMatchObject({
      n: "x1",
      results: [{ code: "text_invalid" }, ...Array(20).fill({ isNew: true })],
    });
    const script = await request(site.url)
      .get(`${url};callback=f`)
      .buffer(true)
      .parse((response, done) => {
        let text = "";
        const stream = response as unknown as NodeJS.ReadableStream;
        stream.on("data", (part) => {
          text += part;
        });
        stream.on("end", () => done(null, text));
      });
    expect(script.body).toMatch(/^\/\*\*\/f\(\{"chattera":1,.*"results":\[/);
  });

  test("by GET or as a form have a text for each id, at most fifty, and other names do not repeat", async () => {
    const get = (params: string) => request(site.url).get(`/api/rooms/lobby/say?${params}&token=${ann.token}`);
    const form = (fields: string) =>
      request(site.url).post(PATH).type("form").set("authorization", `Bearer ${ann.token}`).send(fields);
    const of = (count: number) => said(...Array(count).fill("x")).map(({ id, text }) => `id=${id}&text=${text}`);
    for (const ask of [get, form]) {
      expect((await ask("id=abcdefgh&id=abcdefgi&text=x")).status).toBe(400);
      expect((await ask("id=abcdefgh&text=x&text=y")).status).toBe(400);
      expect((await ask(`${of(2).join("&")}&nickname=Ann&nickname=Ann`)).status).toBe(400);
    }
    expect((await get(`${of(51).join("&")}`)).status).toBe(400);
    expect((await form(of(51).join("&"))).status).toBe(400);
    expect((await form(of(2000).join("&"))).status).toBe(400);
    await request(site.url).post("/api/session").type("form").send("nickname=Ann&id=1&id=2").expect(400);
    const lists = { id: said("x", "y").map(({ id }) => id), text: ["x", "y"] };
    const json = request(site.url).post(PATH).set("authorization", `Bearer ${ann.token}`).send(lists);
    expect((await json).status).toBe(400);
  });

  test("are counted one by one, and none gets ahead of one that is over the limit", async () => {
    const node = await openNode(site.databaseUrl, { limits: true });
    const flooder = await person(node.url, "Flooder");
    const messages = said(...Array.from({ length: 30 }, (_, n) => `flood ${n}`));
    const first = (await post(messages, { who: flooder, url: node.url }).expect(200)).body.results;
    expect(first.map(({ code }: { code?: string }) => code ?? "stored")).toEqual([
      ...Array(20).fill("stored"),
      ...Array(10).fill("too_many"),
    ]);
    expect(first[20]).toMatchObject({ detail: expect.stringContaining("Too many messages"), retryAfter: 1 });
    const mixed = [...messages.slice(25, 27), messages[0], { id: clientId(), text: "" }];
    const second = (await post(mixed, { who: flooder, url: node.url }).expect(200)).body.results;
    expect(second.slice(2)).toMatchObject([{ isNew: false, event: first[0].event }, { code: "text_invalid" }]);
    // On a slow machine, the limit allows one more by now, which is the earlier one.
    expect([second[0].isNew, second[1].isNew]).not.toEqual([undefined, true]);
    await say(node.url, ann, "I pass");
    await node.close();
  });

  test("that are all resends are answered over the limit, and cost nothing", async () => {
    const node = await openNode(site.databaseUrl, { limits: true });
    const writer = await person(node.url, "Writer");
    const messages = said(...Array.from({ length: 18 }, (_, n) => `again ${n}`));
    await post(messages, { who: writer, url: node.url }).expect(200);
    for (let n = 0; n < 5; n += 1) {
      const { results } = (await post(messages, { who: writer, url: node.url })).body;
      expect(results.filter(({ isNew }: { isNew?: boolean }) => isNew === false)).toHaveLength(18);
    }
    await node.close();
  });
});
