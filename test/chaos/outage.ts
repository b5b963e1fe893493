import { readFile, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { openReaders, reportOn } from "./chaos.ts";
import type { ChaosFindings } from "./check.ts";
import { untilAtEnd } from "./quiet.ts";
import { createRandom } from "./random.ts";
import { asSuperuser, type ChaosNode, closeRig, openRig, type Rig, ROOMS } from "./rig.ts";
import { startWriter } from "./writers.ts";

/** The options of an outage: which one, and for how long. */
export type OutagePlan = { kind: string; seed: number; seconds: number; say(line: string): void };

/**
 * Of a node's log during an outage. `perMinute` is the number of lines of its last whole minute.
 */
type LoggedOutage = { bytes: number; lines: number; perMinute: number; stacks: number; ends: string[] };

/** The outcome of an outage. */
export type OutageReport = ChaosFindings & {
  kind: string;
  acknowledged: number;
  deliveries: number;
  nodes: { [node: string]: LoggedOutage };
};

/** An outage of the database, from its begin to its end. */
type Outage = { begin(rig: Rig): Promise<void>; end(rig: Rig): Promise<void> };

const DISCONNECT = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'chattera'";

/** Outages that the nodes see in different ways. */
export const OUTAGES: { [kind: string]: Outage } = {
  refused: {
    begin: async ({ nodes }) => {
      for (const { pool, listener } of nodes) await Promise.all([pool.refuse(), listener.refuse()]);
    },
    end: async ({ nodes }) => {
      for (const { pool, listener } of nodes) await Promise.all([pool.pass(), listener.pass()]);
    },
  },
  silent: {
    begin: async ({ nodes }) => {
      for (const { pool, listener } of nodes) for (const proxy of [pool, listener]) proxy.blackHole();
    },
    end: async ({ nodes }) => {
      for (const { pool, listener } of nodes)
        for (const proxy of [pool, listener]) {
          proxy.cut();
          await proxy.pass();
        }
    },
  },
  login: byStatements("alter role chattera nologin", "alter role chattera login"),
  connections: byStatements("alter role chattera connection limit 0", "alter role chattera connection limit -1"),
  "read-only": byStatements(
    "alter database chattera set default_transaction_read_only = on",
    "set default_transaction_read_only = off; alter database chattera reset default_transaction_read_only",
  ),
  table: byStatements("alter table events rename to gone", "alter table gone rename to events"),
  // A database cannot be renamed while somebody is connected, so the schema is renamed instead.
  schema: byStatements("alter schema chattera rename to gone", "alter schema gone rename to chattera"),
};

function byStatements(begin: string, end: string): Outage {
  return {
    begin: async (rig) => {
      await asSuperuser(rig, begin);
      await asSuperuser(rig, DISCONNECT);
    },
    end: async (rig) => {
      await asSuperuser(rig, end);
      await asSuperuser(rig, DISCONNECT);
    },
  };
}

/** After an outage, the last lines come within this time. */
const SETTLE_MS = 15_000;

/** Takes the database away from two nodes on which people talk, and measures what they log. */
export async function runOutage({ kind, seed, seconds, say }: OutagePlan): Promise<OutageReport> {
  const outage = OUTAGES[kind];
  if (outage === undefined) throw new Error(`there is no outage ${kind}, only ${Object.keys(OUTAGES).join(", ")}`);
  const rig = await openRig({ say });
  try {
    const random = createRandom(seed);
    const urls = rig.nodes.map(({ url }) => url);
    await openReaders(rig, urls, random);
    const writers = await Promise.all(
      [0, 1, 2].map((number) => startWriter({ number, urls, rooms: ROOMS, random, run: rig, pauseMs: [200, 600] })),
    );
    await sleep(2_000);
    const before = await Promise.all(rig.nodes.map(({ log }) => stat(log).then(({ size }) => size)));
    await outage.begin(rig);
    await sleep(1_000 * seconds);
    await outage.end(rig);
    await sleep(SETTLE_MS);
    const nodes = await Promise.all(rig.nodes.map((node, n) => loggedBy(node, before[n] as number)));
    for (const writer of writers) writer.stop();
    await Promise.all(writers.map(({ done }) => done));
    await untilAtEnd(rig, rig.readers);
    return { kind, ...reportOn(rig), nodes: Object.fromEntries(nodes.map((one, n) => [`node ${n + 1}`, one])) };
  } finally {
    for (const reader of rig.readers) reader.stop();
    await closeRig(rig);
  }
}

async function loggedBy({ log }: ChaosNode, from: number): Promise<LoggedOutage> {
  const text = (await readFile(log)).subarray(from).toString();
  const lines = text.split("\n").filter(Boolean);
  const parsed = lines.map((line) => JSON.parse(line) as { time: string; msg: string; seconds?: number });
  const end = parsed.findIndex(({ seconds }) => seconds !== undefined);
  const endedAt = Date.parse(parsed[end === -1 ? parsed.length - 1 : end]?.time ?? "");
  const inLastMinute = parsed.filter(({ time }) => Date.parse(time) < endedAt && Date.parse(time) > endedAt - 60_000);
  return {
    bytes: text.length,
    lines: lines.length,
    perMinute: inLastMinute.length,
    stacks: lines.filter((line) => line.includes('"stack"')).length,
    ends: parsed.flatMap(({ msg, seconds }) => (seconds === undefined ? [] : [`${msg} (${seconds} s)`])),
  };
}
