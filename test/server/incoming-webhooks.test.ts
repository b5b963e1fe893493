import { describe, expect, test } from "@jest/globals";
import pino from "pino";
import request from "supertest";
import { openNode, person, say, type TestPerson } from "../support/app.ts";
import { OPERATOR_SECRET, operator } from "../support/operator.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite({ operatorSecret: OPERATOR_SECRET });

let rooms = 0;

/** A room with an incoming webhook. `path` is that of its address. */
type Hooked = { slug: string; owner: TestPerson; id: string; path: string };

async function makeHook(name = "CI"): Promise<Hooked> {
  rooms += 1;
  const slug = `hook-${rooms}`;
  const owner = await person(site.url, `Holly${rooms}`);
  await as(owner, "post", "/api/rooms").send({ slug }).expect(201);
  const { body } = await as(owner, "post", `/api/rooms/${slug}/webhooks`).send({ name }).expect(201);
  expect(body.webhook.url.startsWith(`${site.url}/api/webhooks/`)).toBe(true);
  return { slug, owner, id: body.webhook.id, path: new URL(body.webhook.url).pathname };
}

function as(who: TestPerson | undefined, method: "get" | "post", path: string) {
  const asked = request(site.url)[method](path);
  return who === undefined ? asked : asked.set("authorization", `Bearer ${who.token}`);
}

/** Returns the notices of a room, after the one about its webhook. */
async function noticesIn(slug: string): Promise<{ text: string; name: string }[]> {
  const { body } = await request(site.url).get(`/api/rooms/${slug}/messages`).expect(200);
  return body.events
    .filter((event: { kind: string }) => event.kind === "notice")
    .slice(1)
    .map(({ text, member }: { text: string; member: { nickname: string } }) => ({ text, name: member.nickname }));
}

const post = (path: string) => request(site.url).post(path);

describe("an incoming webhook", () => {
  test("posts notices in each of the ways that senders write", async () => {
    const { slug, path } = await makeHook();
    await post(path).send({ text: "as JSON" }).expect(200);
    await post(path)
      .type("form")
      .send({ payload: JSON.stringify({ text: "as a payload" }) })
      .expect(200);
    await post(path).type("form").send({ text: "as a form" }).expect(200);
    await post(path).type("text/plain").send("as plain text").expect(200);
    await post(path).send({ text: "<https://ci.example/5|build 5> &lt;failed&gt; <https://ci.example>" }).expect(200);
    const attachments = [{ title: "Disk", text: "is full" }, { fallback: "No details" }];
    await post(path).send({ text: "", attachments, blocks: [] }).expect(200);
    const texts = [
      ...["as JSON", "as a payload", "as a form", "as plain text"],
      "build 5 ( https://ci.example/5 ) <failed> https://ci.example",
      "Disk\nis full\nNo details",
    ];
    expect(await noticesIn(slug)).toEqual(texts.map((text) => ({ text, name: "CI" })));
  });

  test("posts once what is sent again under one id", async () => {
    const { slug, path } = await makeHook();
    const first = await post(path).set("webhook-id", "msg 1").send({ text: "one" }).expect(200);
    expect((await post(path).set("webhook-id", "msg 1").send({ text: "one" }).expect(200)).body).toEqual(first.body);
    await post(path).set("Idempotency-Key", "2").send({ text: "two" }).expect(200);
    await post(path).send({ id: "2", text: "two" }).expect(200);
    await post(path).send({ text: "three" }).expect(200);
    await post(path).send({ text: "three" }).expect(200);
    expect((await noticesIn(slug)).map(({ text }) => text)).toEqual(["one", "two", "three", "three"]);
  });

  test("cuts what is too long, and leaves out controls", async () => {
    const { slug, path } = await makeHook();
    await post(path)
      .send({ text: "x".repeat(5_000) })
      .expect(200);
    await post(path).send({ text: "\u001b[31mred\u001b[0m" }).expect(200);
    const [long, red] = await noticesIn(slug);
    expect(long?.text).toBe(`${"x".repeat(1_999)}…`);
    expect(red?.text).toBe("[31mred[0m");
    await post(path)
      .send({ text: "x".repeat(70_000) })
      .expect(413);
  });

  test.each([
    ["nothing", {}],
    ["a number", { text: 5 }],
    ["white space", { text: " \n" }],
    ["a payload that is no JSON", { payload: "text=hi" }],
  ])("refuses %s with 400", async (_, body) => {
    const { path } = await makeHook();
    expect((await post(path).send(body).expect(400)).body.code).toMatch(/malformed|text_invalid/);
  });

  test("is made, listed and revoked by the owner and by operators, and nobody else, and its key is in no list", async () => {
    const { slug, owner, id, path } = await makeHook();
    const guest = await person(site.url, `Guest${rooms}`);
    await as(guest, "post", `/api/rooms/${slug}/webhooks`).send({ name: "X" }).expect(403);
    await as(guest, "get", `/api/rooms/${slug}/webhooks`).expect(403);
    await as(guest, "post", `/api/rooms/${slug}/webhooks/revoke`).send({ id }).expect(403);
    await as(undefined, "post", `/api/rooms/${slug}/webhooks`).send({ name: "X" }).expect(403);
    await as(owner, "post", `/api/rooms/${slug}/webhooks`).send({ name: "admin" }).expect(409);
    const listed = await as(owner, "get", `/api/rooms/${slug}/webhooks`).expect(200);
    expect(listed.body.webhooks).toMatchObject([{ id, name: "CI", usedAt: null }]);
    expect(JSON.stringify(listed.body)).not.toContain(path.split("/").at(-1));
    await post(path).send({ text: "hello" }).expect(200);
    const used = await as(owner, "get", `/api/rooms/${slug}/webhooks`).expect(200);
    expect(Date.parse(used.body.webhooks[0].usedAt)).toBeGreaterThan(Date.now() - 60_000);
    const boss = await operator(site.url);
    await boss.post(`/api/rooms/${slug}/webhooks/revoke`, { id }).expect(200);
    expect((await post(path).send({ text: "too late" }).expect(404)).body.code).toBe("no_such_page");
    await post("/api/webhooks/guessed").send({ text: "hi" }).expect(404);
  });

  test("is kept by forms, and its address is shown once", async () => {
    const { slug, owner } = await makeHook();
    const page = await request(site.url).get(`/rooms/${slug}/webhooks`).set("cookie", owner.cookie).expect(200);
    const token = /name="form_token" value="([^"]+)"/.exec(page.text)?.[1];
    const send = (form: object) =>
      post(`/rooms/${slug}/webhooks`)
        .set("cookie", owner.cookie)
        .type("form")
        .send({ form_token: token, ...form });
    const made = await send({ name: "Monitoring" }).expect(200);
    const address = /id="webhook-address"[^>]* value="([^"]+)"/.exec(made.text)?.[1]?.replaceAll("&#x2F;", "/");
    await post(new URL(String(address)).pathname)
      .send({ text: "by the form's address" })
      .expect(200);
    const again = await request(site.url).get(`/rooms/${slug}/webhooks`).set("cookie", owner.cookie).expect(200);
    expect(again.text).toContain("Monitoring");
    expect(again.text).not.toContain("webhook-address");
    const id = /name="revoke" value="(\w+)"/.exec(again.text)?.[1];
    await send({ revoke: id }).expect(303);
    expect((await send({ name: "" }).expect(400)).text).toContain('class="problem"');
  });

  test("follows the rules that hold: a read-only site, a silenced webhook, a limit", async () => {
    const { slug, id, path } = await makeHook();
    const boss = await operator(site.url);
    await boss.post("/api/operate/switches", { readOnly: true });
    expect((await post(path).send({ text: "hi" })).body.code).toBe("read_only");
    await boss.post("/api/operate/switches", { readOnly: false });
    await boss.post(`/api/rooms/${slug}/bans`, { member: `webhook-${id}`, act: "silence" });
    expect((await post(path).send({ text: "hi" })).body.code).toBe("silenced");
    const limited = await openNode(site.databaseUrl, { limits: true });
    const { path: other } = await makeHook();
    const statuses = [];
    for (let n = 0; n < 25; n += 1)
      statuses.push(
        (
          await request(limited.url)
            .post(other)
            .send({ text: `line ${n}` })
        ).status,
      );
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
    expect(statuses.slice(0, 20)).toEqual(Array(20).fill(200));
    await limited.close();
  });

  test("has its key in no line of the log", async () => {
    const lines: string[] = [];
    const node = await openNode(site.databaseUrl, {}, pino({ level: "trace" }, { write: (line) => lines.push(line) }));
    const { path } = await makeHook();
    await request(node.url).post(path).send({ text: "hi" }).expect(200);
    await request(node.url).post(`${path};x=1`).send({ text: "hi" });
    expect(lines.some((line) => line.includes("/api/webhooks/…"))).toBe(true);
    expect(lines.join("")).not.toContain(path.split("/").at(-1));
    await node.close();
  });

  test("shows its notices on pages, as those of anybody else", async () => {
    const { slug, owner, path } = await makeHook("監視");
    await say(site.url, owner, { room: slug, text: "hello" });
    await post(path).send({ text: "ディスクがいっぱいです" }).expect(200);
    const page = await request(site.url).get(`/rooms/${slug}`).expect(200);
    expect(page.text).toContain("ディスクがいっぱいです");
    expect(page.text).toContain("監視");
  });
});
