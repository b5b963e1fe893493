import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { chmod, cp, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type EmbeddedDatabase, startEmbedded } from "../../db/embedded/start.ts";
import { type BadProxy, openBadProxy } from "../support/bad-proxy.ts";
import { databaseUrl, query } from "../support/database.ts";
import { freePort } from "../support/free-port.ts";
import { mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";
import { until } from "../support/until.ts";
import type { ChaosMessage, RoomLogs } from "./check.ts";
import type { ChaosReader } from "./readers.ts";

/** A node in a process of its own, behind proxies that misbehave on demand. */
export type ChaosNode = {
  number: number;
  /** In front of the node; `url` leads through it. */
  front: BadProxy;
  url: string;
  /** Between the node and its database: its pool, and its listening connection. */
  pool: BadProxy;
  listener: BadProxy;
  port: number;
  process: ChildProcess | undefined;
  log: string;
};

/** Two nodes, their database, and what was written and read so far. */
export type Rig = {
  folder: string;
  /** The disk with the data, if it can be filled. */
  disk: SmallDisk | undefined;
  database: EmbeddedDatabase;
  nodes: ChaosNode[];
  /** The folder of the program: the build, an older one, or a copy with a planted bug. */
  program: string;
  /** The logs that the database had so far. */
  logs: RoomLogs[];
  sent: ChaosMessage[];
  readers: ChaosReader[];
  /** The sites with a database of their own that were started. */
  ownSites: number;
  /** In which points the present fault missed its goal. */
  missed: string[];
  say(line: string): void;
};

/** A database and its logs. */
export type LoggedRig = Pick<Rig, "folder" | "database" | "logs">;

/** The needs of a run. `smallDisk` puts the data on a file system that can be filled. */
export type RigOptions = Pick<Rig, "say"> & { program?: string | undefined; smallDisk?: boolean };

/** The rooms that are talked in. */
export const ROOMS = ["lobby", "north", "south"];

/** The folder of the project. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A start on a busy machine takes seconds. */
const START_MS = 120_000;

/** The size of the file system with the data, of which a run uses a part. */
const DISK = "400m";

/** Starts a database of its own with two nodes. */
export async function openRig({ program = ROOT, smallDisk = false, say }: RigOptions): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), "chattera-chaos-"));
  // As root, PostgreSQL runs as another user, who has to reach its folder.
  await chmod(folder, 0o711);
  const disk = smallDisk ? await mountSmallDisk(join(folder, "data"), DISK) : undefined;
  const database = await startEmbedded({ dataDir: join(folder, "data") });
  const rig: Rig = {
    ...{ folder, disk, database, nodes: [], program, logs: [new Map()] },
    ...{ sent: [], readers: [], ownSites: 0, missed: [], say },
  };
  for (const number of [1, 2]) rig.nodes.push(await addNode(rig, number));
  await startNode(rig, rig.nodes[0] as ChaosNode);
  await startNode(rig, rig.nodes[1] as ChaosNode);
  for (const slug of ROOMS.slice(1)) await openRoom(rig.nodes[0]?.url as string, slug);
  return rig;
}

/** Makes a room if it is not there yet. */
export async function openRoom(url: string, slug: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/api/rooms`, { method: "POST", headers, body: JSON.stringify({ slug }) });
  await answer.body?.cancel();
}

async function addNode({ folder, database }: Rig, number: number): Promise<ChaosNode> {
  const port = await freePort();
  const front = await openBadProxy(`http://127.0.0.1:${port}`);
  return {
    number,
    front,
    url: front.through(`http://127.0.0.1:${port}`).replace(/\/$/, ""),
    pool: await openBadProxy(database.url),
    listener: await openBadProxy(database.url),
    port,
    process: undefined,
    log: join(folder, `node-${number}.log`),
  };
}

/** A command before that of the node, and settings. */
type StartOptions = { starter?: string[]; env?: { [name: string]: string } };

/** Starts a node, and waits until it serves. */
export async function startNode(
  { program, database }: Rig,
  node: ChaosNode,
  options: StartOptions = {},
): Promise<void> {
  const child = spawnServe(options.starter ?? [], {
    cwd: program,
    env: {
      ...nodeEnvironment(node),
      DATABASE_URL: node.pool.through(database.url),
      CHATTERA_LISTEN_URL: node.listener.through(database.url),
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(node.log, { flags: "a" });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  node.process = child;
  await until("the node serves", () => isServing(node.port), START_MS);
}

/** Starts `chattera serve` of the build in `cwd`, maybe by a command before it. */
export function spawnServe(starter: string[], options: SpawnOptions & { cwd: string }): ChildProcess {
  const command = [...starter, process.execPath, join(options.cwd, "dist/server/process/cli.js"), "serve"];
  return spawn(command[0] as string, command.slice(1), options);
}

/** Returns the environment of a node without its database. */
export function nodeEnvironment({ port }: Pick<ChaosNode, "port">): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _jest, ...environment } = process.env;
  return {
    ...environment,
    HOST: "127.0.0.1",
    PORT: String(port),
    CHATTERA_LIMITS: "off",
    // Nobody leaves before the end, which would wake the rooms after everybody fell silent.
    CHATTERA_GRACE_SECONDS: "600",
  };
}

/** Returns the number of lines of a node's log that match. */
export async function linesOf({ log }: ChaosNode, pattern: RegExp): Promise<number> {
  const text = await readFile(log, "utf8").catch(() => "");
  return text.split("\n").filter((line) => pattern.test(line)).length;
}

/** Returns whether a node answers on this port. */
export async function isServing(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.ok === true;
}

/** Ends a node by a signal, and waits until it has ended. Returns its exit code if it had one. */
export async function endNode({ process: child }: ChaosNode, signal: NodeJS.Signals): Promise<number | null> {
  if (child === undefined) return null;
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }
  return child.exitCode;
}

/** Runs a statement as the superuser, past all proxies. */
export async function asSuperuser(
  { folder, database }: Pick<Rig, "folder" | "database">,
  statement: string,
): Promise<{ [name: string]: unknown }[]> {
  const url = new URL(databaseUrl(database.url, "chattera"));
  url.username = "postgres";
  url.password = await readFile(join(folder, "data", "password"), "utf8");
  return query(url.href, statement);
}

/** Returns the processes of PostgreSQL, the server first. */
export async function postgresPids({ folder }: Rig): Promise<number[]> {
  const pid = Number((await readFile(join(folder, "data/postgresql/postmaster.pid"), "utf8")).split("\n")[0]);
  const pids = [pid];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    // The name of the program may contain blanks, so count from its end.
    if (Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]) === pid) pids.push(Number(name));
  }
  return pids;
}

/**
 * Adds what the database has now to the current log. Called before events are deleted, and at the
 * end.
 */
export async function keepLog(rig: LoggedRig): Promise<void> {
  const log = rig.logs.at(-1) as RoomLogs;
  const rows = await asSuperuser(rig, LOG_QUERY);
  for (const { slug, ...event } of rows as { slug: string; seq: number; id: string; text: string }[]) {
    const events = log.get(slug) ?? [];
    if (event.seq > (events.at(-1)?.seq ?? 0)) events.push(event);
    log.set(slug, events);
  }
}

/** Asks for all events of all rooms. */
export const LOG_QUERY = `select slug, seq::int, coalesce(client_id, '') as id, coalesce(text, '') as text
  from events join rooms on rooms.id = room_id order by slug, seq`;

/** Copies the data, cold. The nodes run on without a database. */
export async function copyData(rig: Rig): Promise<void> {
  const { folder, database } = rig;
  await database.stop();
  await rm(join(folder, "copy"), { recursive: true, force: true });
  await cp(join(folder, "data/postgresql"), join(folder, "copy"), { recursive: true });
  await startDatabase(rig);
}

/** Puts the copy back in place of the data. All messages since are gone. */
export async function putCopyBack(rig: Rig): Promise<void> {
  const { folder, database, logs, nodes } = rig;
  const data = join(folder, "data/postgresql");
  for (const { pool } of nodes) await pool.refuse();
  await keepLog(rig);
  logs.push(new Map());
  await database.stop();
  await rm(data, { recursive: true });
  await cp(join(folder, "copy"), data, { recursive: true });
  await startDatabase(rig);
  for (const { pool } of nodes) await pool.pass();
}

/** Returns whether there is a copy to put back. */
export async function hasCopy({ folder }: Rig): Promise<boolean> {
  return (await stat(join(folder, "copy")).catch(() => undefined)) !== undefined;
}

/** Starts PostgreSQL again, maybe by other programs. */
export async function restartDatabase(rig: Rig, programs?: string): Promise<void> {
  await rig.database.stop();
  await startDatabase(rig, programs);
}

async function startDatabase(rig: Rig, programs?: string): Promise<void> {
  rig.database = await startEmbedded({
    dataDir: join(rig.folder, "data"),
    ...(programs !== undefined && { programs }),
  });
  for (const { pool, listener } of rig.nodes) for (const proxy of [pool, listener]) proxy.aim(rig.database.url);
}

/** Ends all faults: every proxy passes, every process runs. */
export async function heal(rig: Rig): Promise<void> {
  for (const node of rig.nodes) {
    node.process?.kill("SIGCONT");
    for (const proxy of [node.front, node.pool, node.listener]) await proxy.pass();
  }
}

/** Ends everything, and removes the data. */
export async function closeRig(rig: Rig): Promise<void> {
  await Promise.all(rig.nodes.map((node) => endNode(node, "SIGKILL")));
  for (const node of rig.nodes) for (const proxy of [node.front, node.pool, node.listener]) await proxy.close();
  await rig.database.stop();
  rig.disk?.unmount();
  await rm(rig.folder, { recursive: true, force: true });
  await sleep(0);
}
