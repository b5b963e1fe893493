import { setTimeout as sleep } from "node:timers/promises";
import { openPgBouncer } from "../support/pgbouncer.ts";
import { until } from "../support/until.ts";
import type { ChaosFault } from "./fault.ts";
import { LACKS } from "./machine.ts";
import type { Random } from "./random.ts";
import { endNode, linesOf, type Rig, startNode } from "./rig.ts";

/** The node waits 9 s for a wake-up before it says that none arrives. */
const DEAF_MS = 40_000;

const WARNING = /no wake-up arrives|cannot be listened to/;

/** A PgBouncer that shares connections by transaction, through which no notification comes. */
export const POOLER_FAULTS: ChaosFault[] = [
  {
    name: "F22 a node has its database through PgBouncer",
    goal: "one warning in the log, then the node is ready and reads every second",
    recoverMs: 5_000,
    isSlow: true,
    lacks: LACKS.pgbouncer,
    strike: poolConnections,
  },
];

async function poolConnections(rig: Rig, random: Random, forMs: number): Promise<void> {
  const node = random.pick(rig.nodes);
  const bouncer = await openPgBouncer(rig.database.url);
  const before = await linesOf(node, WARNING);
  try {
    await endNode(node, "SIGTERM");
    node.pool.aim(bouncer.url);
    await startNode(rig, node, { env: { DATABASE_URL: node.pool.through(bouncer.url), CHATTERA_LISTEN_URL: "" } });
    const isReady = async () => {
      const answer = await fetch(`http://127.0.0.1:${node.port}/readyz`);
      await answer.body?.cancel();
      return answer.ok;
    };
    await until("the node is ready", isReady, DEAF_MS).catch(() =>
      rig.missed.push("the node was not ready after 40 s"),
    );
    await sleep(2 * forMs);
    const warnings = (await linesOf(node, WARNING)) - before;
    if (warnings !== 1) rig.missed.push(`${warnings} warnings`);
  } finally {
    await endNode(node, "SIGTERM");
    node.pool.aim(rig.database.url);
    await bouncer.close();
    await startNode(rig, node);
  }
}
