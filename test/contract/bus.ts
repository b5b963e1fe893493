import { afterAll, beforeAll, expect, test } from "@jest/globals";
import request from "supertest";
import { openStream } from "../../server/testing.ts";
import { person, say, type TestPerson } from "../support/app.ts";
import { type BadProxy, openBadProxy } from "../support/bad-proxy.ts";
import { createDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";

/** A server at a URL: a node, or several behind one port. */
export type Wakened = { url: string; close(): Promise<void> };

/**
 * A carrier of wake-ups: its URL, given the database's, and a node that gets its wake-ups from
 * `busUrl`.
 */
export type Carrier = {
  target(databaseUrl: string): string;
  open(databaseUrl: string, busUrl: string): Promise<Wakened>;
};

/**
 * Tests that wake-ups arrive as nodes rely on it, over any carrier. One of the two nodes reaches it
 * by a proxy that misbehaves.
 */
export function busContract(carrier: Carrier): void {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let proxy: BadProxy;
  let writer: Wakened;
  let node: Wakened;
  let ann: TestPerson;

  beforeAll(async () => {
    database = await createDatabase();
    const target = carrier.target(database.url);
    proxy = await openBadProxy(target);
    [writer, node] = await Promise.all([
      carrier.open(database.url, target),
      carrier.open(database.url, proxy.through(target)),
    ]);
    ann = await person(writer.url, "Ann");
    await say(writer.url, ann, "I am in");
    for (const one of [writer, node]) await until("the bus is listening", () => isReady(one), 15_000);
  }, 60_000);

  afterAll(async () => {
    await node?.close();
    await writer?.close();
    await proxy?.close();
    await database?.drop();
  });

  /** How long a message takes from one node to a reader at the other. */
  async function crossing(text: string): Promise<number> {
    const stream = await openStream(node.url, { room: "lobby" });
    await stream.signal("hello");
    const startedAt = performance.now();
    const { event } = await say(writer.url, ann, text);
    expect(await stream.events(1)).toMatchObject([{ seq: event.seq, text }]);
    const took = performance.now() - startedAt;
    await stream.close();
    return took;
  }

  test("messages reach the readers of another node at once, not by the sweep of every five seconds", async () => {
    const times = [];
    for (const text of ["one", "two", "three", "four", "five"]) times.push(await crossing(text));
    // Five in a row that the sweep happened to bring so soon are one in three thousand
    expect(Math.max(...times)).toBeLessThan(1_000);
  });

  test("a reader at another node sees who enters", async () => {
    const stream = await openStream(node.url, { room: "lobby" });
    const bob = await person(writer.url, "Bob");
    await say(writer.url, bob, "hello");
    expect(await stream.events(2)).toMatchObject([{ kind: "enter" }, { kind: "message", text: "hello" }]);
    await stream.close();
  });

  test("a broken connection is replaced", async () => {
    const before = await reconnects(node);
    proxy.cut();
    await until("the node has noticed", async () => (await reconnects(node)) > before);
    await until("the bus is listening again", () => isReady(node), 10_000);
    expect(await crossing("after the cut")).toBeLessThan(1_000);
  });

  test("one that dies in silence is noticed in 10 s, costs a message 5 s at most, and is replaced", async () => {
    proxy.blackHole();
    const startedAt = performance.now();
    expect(await crossing("into the silence")).toBeLessThan(6_000);
    await until("the node says it is deaf", async () => !(await isReady(node)), 12_000);
    expect(performance.now() - startedAt).toBeLessThan(10_500);
    expect(await isReady(writer)).toBe(true);
    await proxy.pass();
    await until("the bus is listening again", () => isReady(node), 12_000);
    expect(await crossing("to the healed")).toBeLessThan(2_000);
  }, 40_000);
}

async function isReady(node: Wakened): Promise<boolean> {
  return (await askAll(node, "/readyz")).every(({ status }) => status === 200);
}

/** Of all behind the port, those of the one that has most. */
async function reconnects(node: Wakened): Promise<number> {
  const counted = (await askAll(node, "/metrics")).map(({ text }) =>
    /^chattera_bus_reconnects_total (\d+)/m.exec(text),
  );
  return Math.max(...counted.map((found) => Number(found?.[1])));
}

/** Each time on a new connection: several behind one port take turns. */
async function askAll(node: Wakened, path: string): Promise<{ status: number; text: string }[]> {
  const answers = [];
  for (let n = 0; n < 4; n += 1) answers.push(await request(node.url).get(path));
  return answers;
}
