import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { pino } from "pino";
import { openStream } from "../../server/testing.ts";
import { openNode, person, say, type TestNode, type TestPerson } from "../support/app.ts";
import { type BadProxy, openBadProxy } from "../support/bad-proxy.ts";
import { createDatabase, query } from "../support/database.ts";
import { HAS_PGBOUNCER, openPgBouncer } from "../support/pgbouncer.ts";
import { until } from "../support/until.ts";

/** A node behind PgBouncer, and its warnings. */
type Bounced = { node: TestNode; warnings: string[]; close(): Promise<void> };

let database: Awaited<ReturnType<typeof createDatabase>>;
let proxy: BadProxy;
let writer: TestNode;
let node: TestNode;
let ann: TestPerson;
let bounced: Bounced | undefined;
/** A node whose listening connection is refused. */
let refused: Bounced;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await openBadProxy(database.url);
  writer = await openNode(database.url);
  node = await openNode(database.url, { listenUrl: proxy.through(database.url) });
  // Opened first, so that the 9 s until its warning pass while the other tests run.
  if (HAS_PGBOUNCER) bounced = await openBounced();
  refused = await openRefused();
  ann = await person(writer.url, "Ann");
  await say(writer.url, ann, "I am in");
  for (const one of [writer, node]) await until("the bus is listening", () => one.app.site.bus.isListening());
});

afterAll(async () => {
  await bounced?.close();
  await refused?.close();
  await node?.close();
  await writer?.close();
  await proxy?.close();
  await database?.drop();
});

test("when PostgreSQL ends the listening connections, messages arrive within a second, and none is missing", async () => {
  const stream = await openStream(node.url, { room: "lobby" });
  const first = await say(writer.url, ann, "before");
  await stream.events(1);
  const listeners = await listenerPids();
  expect(listeners.length).toBeGreaterThanOrEqual(2);
  await query(database.url, `select pg_terminate_backend(pid) from pg_stat_activity where pid in (${listeners})`);
  await until("the node has noticed", () => !node.app.site.bus.isListening());
  const started = performance.now();
  await say(writer.url, ann, "while deaf");
  expect(await stream.events(1)).toMatchObject([{ seq: first.event.seq + 1, text: "while deaf" }]);
  expect(performance.now() - started).toBeLessThan(1_000);
  await until("the bus is listening again", () => node.app.site.bus.isListening() && writer.app.site.bus.isListening());
  expect(listeners).not.toEqual(await listenerPids());
  await stream.close();
});

test("a listening connection that dies unnoticed delays a message by 5 s at most, and is replaced within 10 s", async () => {
  const stream = await openStream(node.url, { room: "lobby", timeoutMs: 6_000 });
  expect(await readiness(node)).toMatchObject({ status: 200, checks: { bus: true } });
  // After this, the next sweep is 5 s away.
  await sweep();
  proxy.blackHole();
  const started = performance.now();
  const { event } = await say(writer.url, ann, "into the silence");
  expect(await stream.events(1)).toMatchObject([{ seq: event.seq }]);
  // The sweep brought it, not the bus.
  expect(performance.now() - started).toBeGreaterThan(200);
  await until("the node reports that its bus is down", async () => (await readiness(node)).status === 503, 12_000);
  expect(performance.now() - started).toBeLessThan(10_500);
  expect(await readiness(node)).toMatchObject({ checks: { database: true, bus: false, serving: true } });
  expect(await readiness(writer)).toMatchObject({ status: 200 });
  const deafAt = performance.now();
  await say(writer.url, ann, "to the deaf");
  await stream.events(1);
  expect(performance.now() - deafAt).toBeLessThan(2_500);
  await proxy.pass();
  await until("the bus is listening again", async () => (await readiness(node)).status === 200, 12_000);
  const heardAt = performance.now();
  await say(writer.url, ann, "to the healed");
  await stream.events(1);
  // The bus brought it: the sweep runs every 5 s.
  expect(performance.now() - heardAt).toBeLessThan(2_000);
  await stream.close();
}, 40_000);

test("a listening connection that is refused is reported once, and the node serves on and is ready", async () => {
  const { node: deaf, warnings } = refused;
  const stream = await openStream(deaf.url, { room: "lobby" });
  await until("the node is ready", async () => (await readiness(deaf)).status === 200, 15_000);
  const cause = "CHATTERA_LISTEN_URL cannot be listened to";
  expect(warnings.filter((warning) => warning.includes(cause))).toHaveLength(1);
  expect(warnings.filter((warning) => warning.includes("reconnecting"))).toHaveLength(1);
  await say(writer.url, ann, "read in a second");
  expect(await stream.events(1)).toMatchObject([{ text: "read in a second" }]);
  await stream.close();
}, 20_000);

test("a node closes within two seconds even if its listening connection does not answer", async () => {
  const dumb = await openNode(database.url, { listenUrl: proxy.through(database.url) });
  proxy.blackHole();
  const started = performance.now();
  await dumb.close();
  expect(performance.now() - started).toBeLessThan(2_000);
  await proxy.pass();
});

const behindPgBouncer = HAS_PGBOUNCER ? test : test.skip;

behindPgBouncer(
  "behind a PgBouncer in transaction mode, messages are a second late, and the log has one warning with the reason",
  async () => {
    const { node: late, warnings } = bounced as Bounced;
    const stream = await openStream(late.url, { room: "lobby" });
    for (const text of ["one", "two"]) {
      const started = performance.now();
      await say(late.url, ann, text);
      expect(await stream.events(1)).toMatchObject([{ text }]);
      expect(performance.now() - started).toBeLessThan(2_500);
    }
    const logged = () => warnings.filter((warning) => warning.includes("PgBouncer"));
    await until("the warning is logged", () => logged().length > 0, 12_000);
    expect(late.app.site.bus.isListening()).toBe(false);
    await say(late.url, ann, "three");
    await stream.events(1);
    expect(logged()).toHaveLength(1);
    expect(logged()[0]).toContain("CHATTERA_LISTEN_URL");
    await stream.close();
  },
);

async function openBounced(): Promise<Bounced> {
  const bouncer = await openPgBouncer(database.url);
  const warnings: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line) => warnings.push(JSON.parse(line).msg) });
  const opened = await openNode(bouncer.url, {}, logger);
  const close = async () => {
    await opened.close();
    await bouncer.close();
  };
  return { node: opened, warnings, close };
}

async function openRefused(): Promise<Bounced> {
  const gone = await openBadProxy(database.url);
  await gone.refuse();
  const warnings: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line) => warnings.push(JSON.parse(line).msg) });
  const opened = await openNode(database.url, { listenUrl: gone.through(database.url) }, logger);
  const close = async () => {
    await opened.close();
    await gone.close();
  };
  return { node: opened, warnings, close };
}

async function readiness(of: TestNode): Promise<{ status: number; checks: { [name: string]: boolean } }> {
  const response = await fetch(`${of.url}/readyz`);
  const { checks } = (await response.json()) as { checks: { [name: string]: boolean } };
  return { status: response.status, checks };
}

async function listenerPids(): Promise<number[]> {
  const rows = await query(
    database.url,
    `select pid from pg_stat_activity
     where application_name = 'chattera listener' and datname = current_database() order by pid`,
  );
  return rows.map((row) => row.pid as number);
}

/**
 * Resolves when a sweep of the node has read its rooms. A sweep first reads which log the database
 * holds.
 */
function sweep(): Promise<void> {
  const { db } = node.app.site;
  let hasBegun = false;
  return new Promise((resolve) => {
    db.on("query-response", function onAnswer(_rows: unknown, { sql }: { sql: string }) {
      if (sql.startsWith("select epoch")) hasBegun = true;
      if (!hasBegun || !sql.includes("events_after")) return;
      db.off("query-response", onAnswer);
      resolve();
    });
  });
}
