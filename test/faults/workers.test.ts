import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type EventStream, openStream } from "../../server/testing.ts";
import { person, say, type TestPerson } from "../support/app.ts";
import { createDatabase, query } from "../support/database.ts";
import { endSites, type SiteProcess, startSite, workerPids } from "../support/site-process.ts";
import { until } from "../support/until.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let site: SiteProcess;
let ann: TestPerson;

beforeAll(async () => {
  database = await createDatabase();
  site = await startSite(database.url, { WORKERS: "3" });
  await until("three serve", () => workerPids(site).length === 3, 15_000);
  ann = await person(site.url, "Ann");
  await say(site.url, ann, "I am in");
}, 30_000);

afterAll(async () => {
  await endSites();
  await database?.drop();
});

test("three workers share one listening connection", async () => {
  expect(await listeners()).toHaveLength(1);
  await allHear("by one");
});

test("after a worker is killed, the others keep the connection, and the new worker shares it", async () => {
  const before = await listeners();
  const killed = workerPids(site)[0] as number;
  process.kill(killed, "SIGKILL");
  expect(await counts()).toMatchObject({ hears: 1 });
  await until("a fourth serves", () => workerPids(site).length === 4, 15_000);
  await allHear("by the same");
  expect(await listeners()).toEqual(before);
  const line = site
    .said()
    .split("\n")
    .find((said) => said.includes("worker ended, starting another"));
  expect(JSON.parse(line ?? "{}")).toMatchObject({ level: 40, worker: killed, signal: "SIGKILL" });
}, 20_000);

test("when PostgreSQL ends the connection, another one is opened, and no message is missing", async () => {
  const streams = await openStreams();
  const [before] = await listeners();
  await query(database.url, `select pg_terminate_backend(${before})`);
  await say(site.url, ann, "while deaf");
  for (const stream of streams) expect(await stream.events(1)).toMatchObject([{ text: "while deaf" }]);
  await until("another listens", async () => ![before, undefined].includes((await listeners())[0]));
  await allHear("by another");
  expect(await listeners()).toHaveLength(1);
  await close(streams);
});

test("every worker reports the counts of all of them", async () => {
  const streams = await openStreams();
  await say(site.url, ann, "counted once");
  for (const stream of streams) await stream.events(1);
  const counted = await Promise.all([1, 2, 3, 4, 5, 6].map(counts));
  for (const { readers, hears } of counted) expect({ readers, hears }).toEqual({ readers: streams.length, hears: 1 });
  expect(new Set(counted.map(({ appended }) => appended)).size).toBe(1);
  await say(site.url, ann, "counted twice");
  const [before] = counted as [Counts];
  expect(await Promise.all([1, 2, 3].map(counts))).toEqual(Array(3).fill({ ...before, appended: before.appended + 1 }));
  await close(streams);
});

const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("V8's own threads have a lower priority than the thread that serves", () => {
  const [worker] = workerPids(site).slice(-1) as [number];
  const threads = readdirSync(`/proc/${worker}/task`).map(Number);
  expect(threads.length).toBeGreaterThan(4);
  expect(niceOf(worker, worker)).toBe(0);
  for (const thread of threads.filter((thread) => thread !== worker).slice(0, 4))
    expect(niceOf(worker, thread)).toBe(10);
});

test("when their primary is killed, the workers send `bye` to their readers", async () => {
  const streams = await openStreams();
  await site.kill("SIGKILL");
  for (const stream of streams) expect(await stream.signal("bye")).toMatchObject({ retry: expect.any(Number) });
  await close(streams);
});

/** [proc(5)] Returns the 19th field of a thread's stat. The second, its name, may hold spaces. */
function niceOf(pid: number, thread: number): number {
  const [, fields = ""] = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8").split(") ");
  return Number(fields.split(" ")[16]);
}

/** Expects that readers on all workers get messages well before the sweep, which runs every 5 s. */
async function allHear(text: string): Promise<void> {
  const streams = await openStreams();
  for (const n of [1, 2, 3]) {
    const startedAt = performance.now();
    await say(site.url, ann, `${text} ${n}`);
    for (const stream of streams) expect(await stream.events(1)).toMatchObject([{ text: `${text} ${n}` }]);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  }
  await close(streams);
}

/** Opens each stream on a new connection, because the workers take turns. */
async function openStreams(): Promise<EventStream[]> {
  const streams = [];
  for (let n = 0; n < 6; n += 1) streams.push(await openStream(site.url, { room: "lobby" }));
  for (const stream of streams) await stream.signal("hello");
  return streams;
}

async function close(streams: EventStream[]): Promise<void> {
  for (const stream of streams) await stream.close();
}

type Counts = { readers: number; hears: number; appended: number };

/** Reads the metrics on a connection of its own, because the workers take turns. */
async function counts(): Promise<Counts> {
  const text = await (await fetch(`${site.url}/metrics`)).text();
  const count = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
  return {
    readers: count('chattera_readers\\{transport="sse"\\}'),
    hears: count("chattera_bus_hears"),
    appended: count("chattera_events_appended_total"),
  };
}

/** Returns the process numbers of the connections that listen. */
async function listeners(): Promise<number[]> {
  const rows = await query(
    database.url,
    `select pid from pg_stat_activity where application_name = 'chattera listener' and datname = current_database()`,
  );
  return rows.map((row) => row.pid as number);
}
