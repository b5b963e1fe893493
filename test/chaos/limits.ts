import { readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fillDisk } from "../support/small-disk.ts";
import { until } from "../support/until.ts";
import type { ChaosFault } from "./fault.ts";
import { LACKS } from "./machine.ts";
import { openMemoryGroup } from "./memory.ts";
import { type ChaosNode, endNode, linesOf, postgresPids, type Rig, ROOMS, startNode } from "./rig.ts";

/** Faults of a machine that has too little of something: disk, memory, open files. */
export const LIMIT_FAULTS: ChaosFault[] = [
  {
    name: "F6 the disk of PostgreSQL is full",
    goal: "messages get 503, pages are read, and all goes on without a restart",
    recoverMs: 3_000,
    lacks: LACKS.smallDisk,
    strike: (rig, _random, forMs) => strikeDisk(rig, forMs),
  },
  {
    name: "F13 nodes and PostgreSQL have 512 MB",
    goal: "no process is killed for its memory while 300 more readers come",
    recoverMs: 5_000,
    isSlow: true,
    lacks: LACKS.shell,
    strike: (rig, _random, forMs) => limitMemory(rig, forMs),
  },
  {
    name: "F15 a node may open few files",
    goal: "400 connections take less than half of a core and at most two lines of the log",
    recoverMs: 5_000,
    isSlow: true,
    lacks: LACKS.shell,
    strike: (rig, random, forMs) => limitFiles(rig, random.pick(rig.nodes), forMs),
  },
];

/** How long writers may take until the pages in memory are full and the disk is needed. */
const BITES_MS = 10_000;

async function strikeDisk(rig: Rig, forMs: number): Promise<void> {
  const path = join(rig.folder, "data/fill");
  await fillDisk(path);
  try {
    const isBiting = await until("nothing is stored", () => storesNothing(rig), BITES_MS).catch(() => false);
    if (!isBiting) rig.missed.push("a full disk refused nothing");
    const page = await fetch(`http://127.0.0.1:${rig.nodes[0]?.port}/rooms/lobby`).catch(() => undefined);
    if (page?.status !== 200) rig.missed.push(`a page got ${page?.status}`);
    await page?.body?.cancel();
    await sleep(forMs);
  } finally {
    await rm(path);
  }
}

async function storesNothing({ nodes }: Rig): Promise<boolean> {
  const answers = await Promise.all(nodes.map(({ port }) => fetch(`http://127.0.0.1:${port}/readyz`)));
  const checks = await Promise.all(answers.map(async (one) => (await one.json()).checks as { storing?: boolean }));
  return checks.some(({ storing }) => storing === false);
}

const MEMORY_MB = 512;

async function limitMemory(rig: Rig, forMs: number): Promise<void> {
  const group = await openMemoryGroup(MEMORY_MB);
  const starter = group?.starter ?? [];
  const options = group ? { starter } : { env: { NODE_OPTIONS: "--max-old-space-size=64" } };
  if (!group) rig.say("F13: no group of processes can be made here, so the heap of each node is limited to 64 MB");
  for (const pid of await postgresPids(rig)) await group?.add(pid);
  await eachAgain(rig, options);
  await Promise.all(rig.nodes.map((node) => openCrowd(node, 150, 2 * forMs)));
  const kills = (await group?.kills()) ?? 0;
  if (group)
    rig.say(`F13: ${await group.usedMb()} MB used, ${await group.peakMb()} MB at most with the cache of files`);
  await group?.remove();
  if (!group) await eachAgain(rig, {});
  if (kills > 0) rig.missed.push(`${kills} processes were killed`);
}

/** Starts each node again, one after the other. */
async function eachAgain(rig: Rig, options: Parameters<typeof startNode>[2]): Promise<void> {
  for (const node of rig.nodes) {
    await endNode(node, "SIGTERM");
    await startNode(rig, node, options);
  }
}

/** Opens streams at once, and reads them for a while. */
export async function openCrowd({ url }: ChaosNode, count: number, forMs: number): Promise<void> {
  const over = AbortSignal.timeout(forMs);
  const read = async (n: number) => {
    const answer = await fetch(`${url}/api/events?room=${ROOMS[n % ROOMS.length]}`, { signal: over });
    await answer.text();
  };
  await Promise.allSettled(Array.from({ length: count }, (_, n) => read(n)));
}

const FILES = 256;
const CONNECTIONS = 400;

async function limitFiles(rig: Rig, node: ChaosNode, forMs: number): Promise<void> {
  await endNode(node, "SIGTERM");
  await startNode(rig, node, { starter: ["/bin/sh", "-c", `ulimit -n ${FILES} && exec "$@"`, "sh"] });
  const linesBefore = await linesOf(node, CLOSED);
  const cpuBefore = await cpuSeconds(node);
  const startedAt = performance.now();
  const sockets = Array.from({ length: CONNECTIONS }, () => openIdle(node));
  await sleep(2 * forMs);
  const seconds = (performance.now() - startedAt) / 1_000;
  const share = ((await cpuSeconds(node)) - cpuBefore) / seconds;
  const lines = (await linesOf(node, CLOSED)) - linesBefore;
  for (const socket of sockets) socket.destroy();
  await endNode(node, "SIGTERM");
  await startNode(rig, node);
  rig.say(`F15: ${Math.round(100 * share)} % of a core, ${lines} lines in the log`);
  if (share > 0.5) rig.missed.push(`the node took ${Math.round(100 * share)} % of a core`);
  if (lines < 1 || lines > 2) rig.missed.push(`the log has ${lines} lines of it`);
}

const CLOSED = /connections (closed|not accepted)/;

function openIdle({ port }: ChaosNode): Socket {
  return connect({ host: "127.0.0.1", port }).on("error", () => undefined);
}

/** [proc(5)] Fields 14 and 15: the time on a core in ticks of 10 ms. */
async function cpuSeconds({ process: child }: ChaosNode): Promise<number> {
  const status = await readFile(`/proc/${child?.pid}/stat`, "utf8").catch(() => "");
  const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
