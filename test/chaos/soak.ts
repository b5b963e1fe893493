import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { joinEmbedded } from "../../db/embedded/join.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";
import { openReaders, reportOn } from "./chaos.ts";
import type { ChaosFindings } from "./check.ts";
import { familyOf, type MemoryGroup, openMemoryGroup, residentMb } from "./memory.ts";
import { untilAtEnd } from "./quiet.ts";
import { createRandom } from "./random.ts";
import { isServing, nodeEnvironment, openRoom, type Rig, ROOMS, ROOT, spawnServe } from "./rig.ts";
import { startWriter } from "./writers.ts";

/** The options of a soak. */
export type SoakPlan = { seed: number; seconds: number; say(line: string): void };

/**
 * The outcome of a soak. Memory is in MiB, by minute: the least of the minute, after a garbage
 * collection, and the most.
 */
export type SoakReport = ChaosFindings & {
  limit: string;
  acknowledged: number;
  deliveries: number;
  crowdBytes: number;
  memoryMb: { [minute: string]: { least: Memory; most: Memory } };
  peakMb: number;
  kills: number;
};

/** All processes, and of them the node and PostgreSQL. */
type Memory = { used: number; node: number; database: number };

const LIMIT_MB = 512;

/** V8's heap where no group of processes can be limited. */
const HEAP_MB = 160;

/** Readers whose bytes are only counted, next to the 21 that are checked. */
const CROWD = 1_000;

const WRITERS = 6;

/** Six writers at this pace send about ten messages a second. */
const PAUSE_MS: [number, number] = [600, 1_400];

const START_MS = 60_000;

/** The memory is measured at this pace. */
const SAMPLE_MS = 5_000;

/** A site of one node with its own database, as `npm start` begins it. */
type SoakSite = Pick<Rig, "folder" | "database" | "logs" | "sent" | "readers"> & {
  url: string;
  port: number;
  child: ChildProcess;
  group: MemoryGroup | undefined;
};

/** Lets people talk at one node with its own PostgreSQL, in 512 MB, and measures its memory. */
export async function runSoak(plan: SoakPlan): Promise<SoakReport> {
  const site = await openSite();
  try {
    return await talk(site, plan);
  } finally {
    for (const reader of site.readers) reader.stop();
    const ended = once(site.child, "exit");
    if (site.child.kill("SIGTERM")) await ended;
    await site.group?.remove();
    await rm(site.folder, { recursive: true, force: true });
  }
}

async function openSite(): Promise<SoakSite> {
  const folder = await mkdtemp(join(tmpdir(), "chattera-soak-"));
  await chmod(folder, 0o711);
  const port = await freePort();
  const group = await openMemoryGroup(LIMIT_MB);
  const { DATABASE_URL: _shared, ...environment } = nodeEnvironment({ port });
  const heap = group ? {} : { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` };
  const child = spawnServe(group?.starter ?? [], {
    cwd: ROOT,
    env: { ...environment, ...heap, DATA_DIR: join(folder, "data") },
    stdio: ["ignore", "ignore", "inherit"],
  });
  await until("the node serves", () => isServing(port), START_MS);
  const url = await joinEmbedded({ dataDir: join(folder, "data") });
  const database = { url, stop: async () => undefined };
  return {
    ...{ folder, database, logs: [new Map()], sent: [], readers: [] },
    ...{ url: `http://127.0.0.1:${port}`, port, child, group },
  };
}

async function talk(site: SoakSite, { seed, seconds, say }: SoakPlan): Promise<SoakReport> {
  const { url, group } = site;
  const random = createRandom(seed);
  for (const slug of ROOMS.slice(1)) await openRoom(url, slug);
  await openReaders(site, [url], random);
  const crowd = await openCrowd(site.port);
  const writers = await Promise.all(
    Array.from({ length: WRITERS }, (_, number) =>
      startWriter({ number, urls: [url], rooms: ROOMS, random, run: site, pauseMs: PAUSE_MS }),
    ),
  );
  const memoryMb = await measure(site, { seconds, say });
  for (const writer of writers) writer.stop();
  await Promise.all(writers.map(({ done }) => done));
  await untilAtEnd(site, site.readers);
  crowd.end();
  return {
    ...reportOn(site),
    limit: group ? `${LIMIT_MB} MB for all processes together` : `${HEAP_MB} MB for the heap of the node`,
    ...{
      crowdBytes: crowd.bytes(),
      memoryMb,
      peakMb: (await group?.peakMb()) ?? 0,
      kills: (await group?.kills()) ?? 0,
    },
  };
}

async function measure(site: SoakSite, { seconds, say }: Omit<SoakPlan, "seed">): Promise<SoakReport["memoryMb"]> {
  const memoryMb: SoakReport["memoryMb"] = {};
  const startedAt = performance.now();
  for (let minute = 1; minute <= Math.ceil(seconds / 60); minute += 1) {
    const samples: Memory[] = [];
    const endAt = startedAt + Math.min(60_000 * minute, 1_000 * seconds);
    while (performance.now() < endAt) {
      await sleep(Math.min(SAMPLE_MS, endAt - performance.now()));
      samples.push(await memoryOf(site));
    }
    samples.sort((a, b) => a.used - b.used);
    const [least, most] = [samples[0], samples.at(-1)] as [Memory, Memory];
    memoryMb[String(minute)] = { least, most };
    say(`minute ${minute}: ${least.used} to ${most.used} MB, the node ${least.node} to ${most.node} MB`);
  }
  return memoryMb;
}

async function memoryOf({ child, group }: SoakSite): Promise<Memory> {
  const pids = await familyOf(child.pid as number);
  const [node, all] = await Promise.all([residentMb([child.pid as number]), residentMb(pids)]);
  return { used: (await group?.usedMb()) ?? all, node, database: all - node };
}

async function openCrowd(port: number): Promise<{ bytes(): number; end(): void }> {
  let bytes = 0;
  const sockets: Socket[] = [];
  for (let n = 0; n < CROWD; n += 1) {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => undefined);
    socket.on("data", (piece) => {
      bytes += piece.length;
    });
    socket.write(`GET /api/events?room=${ROOMS[n % ROOMS.length]} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    sockets.push(socket);
    if (n % 50 === 0) await sleep(50);
  }
  return {
    bytes: () => bytes,
    end: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
