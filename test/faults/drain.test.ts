import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, connect as connectTcp, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { isAlive } from "../../db/embedded/process-status.ts";
import type { ByeSignal, PollAnswer } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { clientId, person, say, type TestPerson } from "../support/app.ts";
import { createDatabase, query } from "../support/database.ts";
import { endSites, runSite, type SiteProcess, spawnSite, startSite, workerPids } from "../support/site-process.ts";
import { until } from "../support/until.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(async () => {
  await endSites();
  await database?.drop();
});

test("after SIGTERM a node is not ready, answers polls, sends `bye` on streams, stores messages in flight and exits with 0", async () => {
  const site = await startSite(database.url);
  const ann = await person(site.url, "Ann");
  await say(site.url, ann, "I am in");
  const stream = await openStream(site.url, { room: "lobby" });
  const poll = fetch(`${site.url}/api/poll?room=lobby&wait=55`);
  await readers(site, 2);
  // A message waits for the lock on its room.
  const holder = new pg.Client(database.url);
  await holder.connect();
  await holder.query("begin; select from chattera.rooms where slug = 'lobby' for update");
  const id = clientId();
  const inFlight = say(site.url, ann, { text: "in flight", id });
  await until("the message waits for the room", () => query(database.url, WAITING).then((rows) => rows.length === 1));
  // This request begins before the signal and ends after it, when new connections are refused.
  const probe = await beginRequest(site.url, "/readyz");
  const signalled = performance.now();
  const exit = site.kill("SIGTERM");
  expect(((await stream.signal("bye")) as ByeSignal).retry).toBeGreaterThanOrEqual(1_000);
  await expect(stream.events(1)).rejects.toThrow("the stream ended");
  const answer = (await (await poll).json()) as PollAnswer;
  expect(answer.signals).toContainEqual({ signal: "bye", retry: expect.any(Number) });
  expect(await probe.finish()).toMatch(/^HTTP\/1.1 503 .*connection: close.*"serving":false/is);
  expect(performance.now() - signalled).toBeLessThan(1_000);
  await holder.query("commit");
  await holder.end();
  expect((await inFlight).event.text).toBe("in flight");
  const answered = performance.now();
  expect(await exit).toBe(0);
  // The node has not waited for kept-alive connections.
  expect(performance.now() - answered).toBeLessThan(3_000);
  expect(await query(database.url, `select text from events where client_id = '${id}'`)).toHaveLength(1);
}, 30_000);

test("with two workers, a killed one is replaced, and SIGTERM drains both and exits with 0", async () => {
  const site = await startSite(database.url, { WORKERS: "2" });
  await until("two serve", () => workerPids(site).length === 2, 15_000);
  const [one] = workerPids(site);
  process.kill(one as number, "SIGKILL");
  await until("a third serves", () => workerPids(site).length === 3, 15_000);
  const ann = await person(site.url, "Ann of two");
  const streams = await Promise.all([1, 2, 3, 4].map(() => openStream(site.url, { room: "lobby" })));
  const { event } = await say(site.url, ann, "we are two");
  for (const stream of streams) {
    const heard = (await stream.events(1))[0]?.kind === "enter" ? (await stream.events(1))[0] : event;
    expect(heard).toMatchObject({ text: "we are two" });
  }
  const started = performance.now();
  const exit = site.kill("SIGTERM");
  for (const stream of streams) expect(((await stream.signal("bye")) as ByeSignal).retry).toBeGreaterThan(0);
  expect(await exit).toBe(0);
  expect(performance.now() - started).toBeLessThan(5_000);
}, 30_000);

test("after kill -9 under traffic and a restart, every acknowledged message is there, and cursors are valid", async () => {
  const first = await startSite(database.url);
  const ann = await person(first.url, "Ann who stays");
  const { cursor, event } = await say(first.url, ann, "before the fall");
  const acknowledged = new Map<number, string>();
  const writers = [0, 1, 2].map(() => speak(first, ann, acknowledged));
  await until("some are acknowledged", () => acknowledged.size >= 30);
  await first.kill("SIGKILL");
  const unknown = (await Promise.all(writers)).map(({ id }) => id);
  const second = await startSite(database.url);
  for (const id of unknown) acknowledged.set((await say(second.url, ann, { text: id, id })).event.seq, id);
  const stream = await openStream(second.url, { room: "lobby", after: cursor });
  const events = await stream.events(acknowledged.size);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => event.seq + 1 + index));
  expect(new Map(events.map(({ seq, id }) => [seq, id]))).toEqual(acknowledged);
  await stream.close();
  await second.kill("SIGKILL");
}, 30_000);

test("SIGTERM during the start leaves no embedded PostgreSQL running", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chattera-start-"));
  await chmod(folder, 0o755); // If this is root, PostgreSQL runs as another user.
  const { child } = spawnSite("", { DATA_DIR: join(folder, "data") });
  const ended = once(child, "exit");
  const pidFile = join(folder, "data", "postgresql", "postmaster.pid");
  const started = () =>
    readFile(pidFile, "utf8").then(
      (text) => Number.parseInt(text, 10),
      () => undefined,
    );
  const pid = await until("it has a PostgreSQL", started, 20_000);
  child.kill("SIGTERM");
  // It exits with 0 if it was ready before the signal.
  expect([143, 0]).toContain((await ended)[0]);
  await until("PostgreSQL has ended", async () => !(await isAlive(pid)), 10_000);
  await rm(folder, { recursive: true });
}, 40_000);

test.each(["1", "2"])("a port that is in use is reported in one sentence, with %s workers", async (WORKERS) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const PORT = String((taken.address() as AddressInfo).port);
  const ended = await runSite(database.url, { PORT, WORKERS, LOG_LEVEL: "silent" });
  taken.close();
  expect(ended).toEqual({
    code: 1,
    said: `chattera: Port ${PORT} of 127.0.0.1 is taken by another program: end that one, or set PORT to a free one.\n`,
  });
});

/** Finds connections of this database that wait for a lock. */
const WAITING = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

async function readers(site: SiteProcess, count: number): Promise<void> {
  await until(`${count} readers are in`, async () => {
    const metrics = await (await fetch(`${site.url}/metrics`)).text();
    const found = [...metrics.matchAll(/^chattera_readers\{.*\} (\d+)$/gm)].map((match) => Number(match[1]));
    return found.reduce((sum, one) => sum + one, 0) === count;
  });
}

/** Sends all of a request except its last line. */
async function beginRequest(url: string, path: string): Promise<{ finish(): Promise<string> }> {
  const socket = connectTcp(Number(new URL(url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  let answer = "";
  socket.setEncoding("utf8").on("data", (text) => {
    answer += text;
  });
  return {
    finish: async () => {
      socket.write("\r\n");
      await once(socket, "close");
      return answer;
    },
  };
}

/** Posts until the connection breaks. Returns the id of the message whose answer never came. */
async function speak(site: SiteProcess, who: TestPerson, acknowledged: Map<number, string>): Promise<{ id: string }> {
  for (;;) {
    const id = clientId();
    try {
      const { event } = await say(site.url, who, { text: id, id });
      acknowledged.set(event.seq, id);
    } catch {
      return { id };
    }
  }
}
