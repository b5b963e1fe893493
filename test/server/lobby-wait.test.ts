import { afterAll, beforeAll, expect, test } from "@jest/globals";
import request from "supertest";
import { openNode, person, say, type TestNode, type TestPerson } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
let other: TestNode;
let ann: TestPerson;

beforeAll(async () => {
  other = await openNode(site.databaseUrl);
  ann = await person(site.url, "Ann");
});

afterAll(() => other?.close());

/** Asks for the list of rooms, and waits until the node has begun to wait. */
async function waiting(node: TestNode): Promise<{ answer(): Promise<string> }> {
  const asked = request(node.url)
    .get("/api/rooms;wait=20")
    .then(({ text }) => text);
  await until("the node waits", () => node.app.site.lobby.isAwaited());
  return { answer: () => asked };
}

const erase = (seq: number) =>
  request(site.url)
    .post(`/api/rooms/lobby/messages/${seq}/erase`)
    .set("authorization", `Bearer ${ann.token}`)
    .send({})
    .expect(201);

test("a reader that waits for the list of rooms gets it when a text is erased, from every node", async () => {
  const { event } = await say(site.url, ann, "the latest words");
  await until("the list has them", async () =>
    (await request(other.url).get("/api/rooms")).text.includes("the latest words"),
  );
  const readers = [await waiting(site.node), await waiting(other)];
  const begunAt = performance.now();
  await erase(event.seq);
  for (const { answer } of readers) expect(await answer()).not.toContain("the latest words");
  // It did not only wait for its time to be over.
  expect(performance.now() - begunAt).toBeLessThan(15_000);
});

test("it gets a new room at once, too, and leaves nothing behind when it goes", async () => {
  const reader = await waiting(site.node);
  await request(site.url).post("/api/rooms").send({ slug: "tea" }).expect(201);
  expect(await reader.answer()).toContain('"slug":"tea"');
  const leaving = new AbortController();
  const gone = fetch(`${site.url}/api/rooms;wait=20`, { signal: leaving.signal }).catch(() => undefined);
  await until("the node waits", () => site.node.app.site.lobby.isAwaited());
  leaving.abort();
  await gone;
  await until("nobody waits", () => !site.node.app.site.lobby.isAwaited());
});

test.each(["21", "-1", "a"])("wait=%s is refused", async (wait) => {
  const { body } = await request(site.url).get(`/api/rooms;wait=${wait}`).expect(400);
  expect(body.code).toBe("malformed");
});

test("a node that drains lets nobody wait", async () => {
  const node = await openNode(site.databaseUrl);
  const reader = await waiting(node);
  node.app.site.drain();
  expect(await reader.answer()).toContain('"rooms"');
  expect((await request(node.url).get("/api/rooms;wait=20").expect(200)).body.rooms).toBeDefined();
  await node.close();
});
