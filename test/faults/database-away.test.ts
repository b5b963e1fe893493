import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { type EventStream, openStream } from "../../server/testing.ts";
import { clientId, openNode, person, say, type TestNode, type TestPerson } from "../support/app.ts";
import { type BadProxy, openBadProxy } from "../support/bad-proxy.ts";
import { createDatabase, query } from "../support/database.ts";
import { until } from "../support/until.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let proxy: BadProxy;
let node: TestNode;
let ann: TestPerson;
let stream: EventStream;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await openBadProxy(database.url);
  node = await openNode(proxy.through(database.url));
  ann = await person(node.url, "Ann");
  await say(node.url, ann, "before");
  stream = await openStream(`${node.url}`, { room: "lobby", timeoutMs: 10_000 });
});

afterEach(() => proxy.pass());

afterAll(async () => {
  await stream?.close();
  await node?.close();
  await proxy?.close();
  await database?.drop();
});

test("while the database refuses connections, a message gets 503 within two seconds, and its resend is stored once", async () => {
  const id = clientId();
  await proxy.refuse();
  const refused = await post(id, "through thick and thin");
  expect(refused).toMatchObject({ status: 503, body: { code: "unavailable" } });
  expect(Number(refused.retryAfter)).toBeGreaterThan(0);
  expect(refused.tookMs).toBeLessThan(2_000);
  await proxy.pass();
  const stored = await until("the message is taken", async () => {
    const answer = await post(id, "through thick and thin");
    return answer.status === 503 ? undefined : answer;
  });
  expect(stored.status).toBe(201);
  expect(await stream.events(1)).toMatchObject([{ id, text: "through thick and thin" }]);
  expect(await copies(id)).toBe(1);
});

test("while the database refuses connections, a form's message comes back in its page, and its resend is stored once", async () => {
  const id = clientId();
  const send = async (form: URLSearchParams) => {
    const headers = { cookie: ann.cookie, "sec-fetch-site": "same-origin" };
    const answer = await fetch(`${node.url}/rooms/lobby`, { method: "POST", headers, body: form, redirect: "manual" });
    return { status: answer.status, page: await answer.text() };
  };
  await proxy.refuse();
  const { status, page } = await send(new URLSearchParams({ id, text: "typed <once>" }));
  expect(status).toBe(503);
  expect(page).toContain("typed &lt;once&gt;</textarea>");
  expect(page).toContain(`name="id" value="${id}"`);
  await proxy.pass();
  for (let n = 0; n < 2; n += 1)
    await until(
      "it is taken",
      async () => (await send(new URLSearchParams({ id, text: "typed <once>" }))).status === 303,
    );
  expect(await copies(id)).toBe(1);
  expect(await stream.events(1)).toMatchObject([{ id, text: "typed <once>" }]);
});

test("while the database refuses connections, the process lives, is not ready, and keeps sending pings", async () => {
  const watching = await openStream(node.url, { room: "lobby", timeoutMs: 10_000 });
  await proxy.refuse();
  // The quickest of three, because this process is busy with other tests.
  const took: number[] = [];
  for (let n = 0; n < 3; n += 1) {
    const started = performance.now();
    expect((await fetch(`${node.url}/healthz`)).status).toBe(200);
    took.push(performance.now() - started);
  }
  expect(Math.min(...took)).toBeLessThan(100);
  expect(await readiness()).toMatchObject({ status: 503, checks: { database: false, bus: false } });
  await watching.signal("ping");
  // A reader that reconnects with a cursor is served from memory.
  const { cursor } = (await watching.signal("hello")) as { cursor: string };
  const returning = await openStream(node.url, { room: "lobby", after: cursor, timeoutMs: 10_000 });
  await returning.signal("ping");
  expect(await readiness()).toMatchObject({ status: 503 });
  await proxy.pass();
  await until("the node is ready again", async () => (await readiness()).status === 200);
  await say(node.url, ann, "back");
  for (const one of [stream, watching, returning]) {
    expect(await one.events(1)).toMatchObject([{ text: "back" }]);
    if (one !== stream) await one.close();
  }
});

test("a stream without a cursor gets `bye` and not an error while the database refuses connections", async () => {
  await proxy.refuse();
  const response = await fetch(`${node.url}/api/events?room=lobby`);
  const frames = await response.text();
  expect(response.status).toBe(200);
  expect(frames).toMatch(/^event: bye\nretry: \d+\ndata: \{"retry":\d+\}\n\n$/);
});

test("requests get 503 within six seconds if the database stops answering, also those that wait for another one", async () => {
  await until("the node is ready", async () => (await readiness()).status === 200);
  const before = (await say(node.url, ann, "lively")).event.seq;
  await stream.events(1);
  proxy.blackHole();
  const posts = [post(clientId(), "one")];
  await until("the first is under way", () => node.app.site.db.client.pool.numUsed() > 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  posts.push(post(clientId(), "two"), post(clientId(), "three"));
  const asked = fetch(`${node.url}/api/events?room=lobby`);
  expect((await fetch(`${node.url}/healthz`)).status).toBe(200);
  for (const answer of await Promise.all(posts)) {
    expect(answer).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(answer.retryAfter).not.toBeNull();
    expect(answer.tookMs).toBeLessThan(6_000);
  }
  // Without the database there is no hello, and nothing may be sent before it, not even a ping.
  expect(await (await asked).text()).toMatch(/^event: bye\n/);
  // The answer is cached for a second, and the one from before has expired.
  expect(await readiness()).toMatchObject({ status: 503, checks: { database: false } });
  await proxy.pass();
  // The old connections never answer again. No request may wait 5 s for one of them.
  const started = performance.now();
  await Promise.all([1, 2, 3, 4, 5, 6].map((n) => say(node.url, ann, `healed ${n}`)));
  expect(performance.now() - started).toBeLessThan(1_000);
  const events = await stream.events(6);
  expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5, 6].map((n) => before + n));
  // The bus may wait 5 s before it connects again.
  await until("the node is ready again", async () => (await readiness()).status === 200, 15_000);
}, 40_000);

test("connections cut under traffic neither lose nor duplicate a message if clients resend after 503", async () => {
  const ids = Array.from({ length: 60 }, clientId);
  const seqs = new Map<string, number>();
  let resent = 0;
  const writers = [0, 1, 2].map(async (writer) => {
    for (const id of ids.filter((_, index) => index % 3 === writer)) {
      const receipt = await until("the message is taken", async () => {
        const { status, body } = await post(id, id);
        if (status === 503) resent += 1;
        return status === 503 ? undefined : body;
      });
      seqs.set(id, receipt.event?.seq as number);
    }
  });
  for (let cuts = 1; cuts <= 3; cuts += 1) {
    await until("some more are said", () => seqs.size >= cuts * 12);
    await appending();
    proxy.cut();
  }
  await Promise.all(writers);
  const events = await stream.events(60);
  expect(new Map(events.map((event) => [event.id, event.seq]))).toEqual(seqs);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => (events[0]?.seq as number) + index));
  // Otherwise no cut has hit a message, and the test has shown nothing.
  expect(resent).toBeGreaterThan(0);
});

test("a message whose answer is lost after the commit is stored once, and its resend gets that receipt", async () => {
  const front = await openBadProxy(node.url);
  const id = clientId();
  front.cutBeforeAnswer();
  const url = front.through(node.url).replace(/\/$/, "");
  await expect(say(url, ann, { text: "did you hear me?", id })).rejects.toThrow();
  // It was stored, although the client got no answer.
  const [event] = await stream.events(1);
  expect(event?.id).toBe(id);
  await front.pass();
  expect(await say(url, ann, { text: "did you hear me?", id })).toMatchObject({ event });
  expect(await copies(id)).toBe(1);
  await front.close();
});

/** Waits until a message is on its way to the database. */
function appending(): Promise<void> {
  const { db } = node.app.site;
  return new Promise((resolve) => {
    db.on("query", function onQuery({ sql }: { sql: string }) {
      if (!/append_drafts/.test(sql)) return;
      db.off("query", onQuery);
      resolve();
    });
  });
}

async function post(id: string, text: string) {
  const started = performance.now();
  const response = await fetch(`${node.url}/api/rooms/lobby/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${ann.token}`, "content-type": "application/json" },
    body: JSON.stringify({ id, text }),
  });
  const body = (await response.json()) as { code?: string; event?: { seq: number } };
  return {
    status: response.status,
    body,
    retryAfter: response.headers.get("retry-after"),
    tookMs: performance.now() - started,
  };
}

async function readiness(): Promise<{ status: number; checks: { [name: string]: boolean } }> {
  const response = await fetch(`${node.url}/readyz`);
  const { checks } = (await response.json()) as { checks: { [name: string]: boolean } };
  return { status: response.status, checks };
}

async function copies(id: string): Promise<number> {
  const rows = await query(database.url, `select count(*)::int as copies from events where client_id = '${id}'`);
  return rows[0]?.copies as number;
}
