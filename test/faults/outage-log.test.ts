import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { pino } from "pino";
import { type EmbeddedDatabase, startEmbedded } from "../../db/embedded/start.ts";
import { migrate } from "../../db/migrate.ts";
import { type EventStream, openStream } from "../../server/testing.ts";
import { clientId, openNode, person, type TestNode, type TestPerson } from "../support/app.ts";
import { databaseUrl, query } from "../support/database.ts";
import { until } from "../support/until.ts";

type Line = { level: number; msg: string; cause?: string; err?: unknown; seconds?: number };

const WARNING = 40;

let folder: string;
let database: EmbeddedDatabase;
let node: TestNode;
let ann: TestPerson;
let stream: EventStream;
let cursor: string;
const lines: Line[] = [];

// Only a superuser can refuse a login.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "chattera-outage-"));
  await chmod(folder, 0o711);
  database = await startEmbedded({ dataDir: join(folder, "data") });
  await migrate(database.url);
  const logger = pino({ level: "info" }, { write: (line) => lines.push(JSON.parse(line) as Line) });
  node = await openNode(database.url, {}, logger);
  ann = await person(node.url, "Ann");
  stream = await openStream(node.url, { room: "lobby", timeoutMs: 60_000 });
  cursor = ((await stream.signal("hello")) as { cursor: string }).cursor;
  await until("the node listens", () => node.app.site.bus.isListening());
}, 60_000);

beforeEach(() => {
  lines.length = 0;
});

afterAll(async () => {
  await stream?.close();
  await node?.close();
  await database?.stop();
  await rm(folder, { recursive: true });
});

const CUT = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'chattera'";

test.each([
  ["refuses the login", { begin: ["alter role chattera nologin"], end: ["alter role chattera login"], code: "28000" }],
  [
    "has no connection left",
    {
      begin: ["alter role chattera connection limit 0"],
      end: ["alter role chattera connection limit -1"],
      code: "53300",
    },
  ],
  [
    "is dropped and comes back",
    {
      begin: ["alter database chattera allow_connections false", CUT, "alter database chattera rename to gone"],
      end: ["alter database gone rename to chattera", "alter database chattera allow_connections true"],
      code: "3D000",
    },
  ],
])(
  "a database that %s is logged once with its cause, without a stack, and once when it is over",
  async (_, outage) => {
    for (const statement of [...outage.begin, CUT]) await query(await adminUrl(), statement);
    const statuses: number[] = [];
    for (const endAt = performance.now() + 4_000; performance.now() < endAt; await sleep(100)) {
      // A reader that comes and goes causes rounds of presence that have nothing to write.
      const passing = await openStream(node.url, { room: "lobby", after: cursor });
      statuses.push(await post());
      await passing.close();
    }
    expect(new Set(statuses)).toEqual(new Set([503]));
    for (const statement of outage.end) await query(await adminUrl(), statement);
    await until("messages are stored again", async () => (await post()) === 201, 10_000);

    const failed = () =>
      lines.filter(({ msg }) => msg.endsWith(" failed; retrying")).map(({ msg }) => msg.split(" failed")[0]);
    const isOver = (work: string | undefined) =>
      lines.some(({ msg, seconds }) => msg === `${work} works again` && seconds);
    await until("each line has its end", () => failed().every(isOver), 10_000);
    await until(
      "the bus is back",
      () => lines.some(({ msg, seconds }) => msg === "listening for wake-ups" && seconds),
      10_000,
    );
    const warned = lines.filter(({ level }) => level >= WARNING);
    expect(warned.map(({ msg }) => msg).toSorted()).toEqual([...new Set(warned.map(({ msg }) => msg))].toSorted());
    expect(warned.filter(({ err }) => err !== undefined)).toEqual([]);
    expect(warned.map(({ cause = "" }) => cause.slice(0, 5))).toContain(outage.code);
  },
  60_000,
);

async function post(): Promise<number> {
  const answer = await fetch(`${node.url}/api/rooms/lobby/messages`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${ann.token}` },
    body: JSON.stringify({ id: clientId(), text: "still there?" }),
  });
  await answer.body?.cancel();
  return answer.status;
}

/** Returns the URL of the superuser, in a database that stays. */
async function adminUrl(): Promise<string> {
  const url = new URL(databaseUrl(database.url, "postgres"));
  url.username = "postgres";
  url.password = await readFile(join(folder, "data/password"), "utf8");
  return url.href;
}
