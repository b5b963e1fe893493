import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Random } from "./random.ts";
import {
  asSuperuser,
  type ChaosNode,
  copyData,
  endNode,
  hasCopy,
  keepLog,
  postgresPids,
  putCopyBack,
  type Rig,
  ROOMS,
  startNode,
} from "./rig.ts";

/** A fault. It lasts about `forMs`, and it heals itself as far as it can. */
export type ChaosFault = { name: string; strike(rig: Rig, random: Random, forMs: number): Promise<void> };

/** All faults, by their numbers in the table of docs/chaos.md. */
export const FAULTS: ChaosFault[] = [
  {
    name: "F1 a node is killed",
    strike: async (rig, random) => {
      const node = random.pick(rig.nodes);
      await endNode(node, "SIGKILL");
      await startNode(rig, node);
    },
  },
  {
    name: "F2 PostgreSQL is killed",
    strike: async (rig) => {
      for (const pid of await postgresPids(rig)) signal(pid, "SIGKILL");
      await untilAnswering(rig);
    },
  },
  {
    name: "F3 a listening connection falls silent",
    strike: (rig, random, forMs) => through(random.pick(rig.nodes).listener, "blackHole", 2 * forMs),
  },
  {
    name: "F4 PostgreSQL ends all connections",
    strike: async (rig) => {
      await asSuperuser(rig, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'chattera'");
    },
  },
  { name: "F5 an older copy of the data is put back under running nodes", strike: restoreRunning },
  { name: "F5 an older copy of the data is put back while no node runs", strike: restoreStopped },
  {
    name: "F7 PostgreSQL stands still",
    strike: async (rig, _random, forMs) => {
      const pids = await postgresPids(rig);
      for (const pid of pids) signal(pid, "SIGSTOP");
      await sleep(forMs);
      for (const pid of pids) signal(pid, "SIGCONT");
    },
  },
  { name: "F8 all connections of PostgreSQL are taken", strike: takeConnections },
  {
    name: "F9 a node stands still",
    strike: async (rig, random, forMs) => {
      const node = random.pick(rig.nodes);
      node.process?.kill("SIGSTOP");
      await sleep(forMs);
      node.process?.kill("SIGCONT");
    },
  },
  { name: "F10 clients do not read", strike: (rig, random, forMs) => openUnread(random.pick(rig.nodes), forMs) },
  { name: "F11 a crowd comes at once", strike: (rig, random, forMs) => openCrowd(random.pick(rig.nodes), forMs) },
  {
    name: "F14 a node is asked to end",
    strike: async (rig, random) => {
      const node = random.pick(rig.nodes);
      await endNode(node, "SIGTERM");
      await startNode(rig, node);
    },
  },
  {
    name: "F16 a node is cut off from its database",
    strike: async (rig, random, forMs) => {
      const { pool, listener } = random.pick(rig.nodes);
      await Promise.all([through(pool, "blackHole", forMs), through(listener, "blackHole", forMs)]);
    },
  },
  {
    name: "F17 a proxy cuts connections",
    strike: async (rig, random, forMs) => {
      for (let n = 0; n < 5; n += 1) {
        random.pick(rig.nodes).front.cut();
        await sleep(forMs / 5);
      }
    },
  },
  {
    name: "F18 clients are half open",
    strike: (rig, random, forMs) => through(random.pick(rig.nodes).front, "blackHole", forMs),
  },
  {
    name: "F19 answers are cut after the commit",
    strike: async (rig, random, forMs) => {
      const { front } = random.pick(rig.nodes);
      front.cutBeforeAnswer();
      await sleep(forMs);
      await front.pass();
    },
  },
  { name: "F21 a listener is stuck in a transaction", strike: holdListener },
  { name: "F26 events are pruned", strike: prune },
];

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

/** Lets a proxy misbehave for a while. Its connections of that time stay dead, so they are cut. */
async function through(proxy: ChaosNode["pool"], how: "blackHole", forMs: number): Promise<void> {
  proxy[how]();
  await sleep(forMs);
  proxy.cut();
  await proxy.pass();
}

async function untilAnswering(rig: Rig): Promise<void> {
  for (;;) {
    const isAnswering = await asSuperuser(rig, "select 1").then(
      () => true,
      () => false,
    );
    if (isAnswering) return;
    await sleep(100);
  }
}

async function restoreRunning(rig: Rig, _random: Random, forMs: number): Promise<void> {
  await copyData(rig);
  await sleep(2 * forMs);
  await putCopyBack(rig);
}

async function restoreStopped(rig: Rig, _random: Random, forMs: number): Promise<void> {
  if (!(await hasCopy(rig))) await copyData(rig);
  await sleep(2 * forMs);
  await Promise.all(rig.nodes.map((node) => endNode(node, "SIGKILL")));
  await putCopyBack(rig);
  await Promise.all(rig.nodes.map((node) => startNode(rig, node)));
}

async function takeConnections(rig: Rig, _random: Random, forMs: number): Promise<void> {
  const clients: pg.Client[] = [];
  for (let isFull = false; !isFull && clients.length < 500; ) {
    const client = new pg.Client(rig.database.url);
    client.on("error", () => undefined);
    isFull = await client.connect().then(
      () => false,
      () => true,
    );
    if (!isFull) clients.push(client);
  }
  // The nodes lose theirs, and get no others.
  await asSuperuser(
    rig,
    `select pg_terminate_backend(pid) from pg_stat_activity
     where usename = 'chattera' and application_name like 'chattera%'`,
  ).catch(() => undefined);
  await sleep(forMs);
  await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
}

async function openUnread({ front, url }: ChaosNode, forMs: number): Promise<void> {
  const { hostname, port } = new URL(front.through(url));
  const sockets: Socket[] = [];
  for (let n = 0; n < 30; n += 1) {
    const socket = connect({ host: hostname, port: Number(port) }).on("error", () => undefined);
    socket.pause();
    socket.write("GET /api/events?room=lobby HTTP/1.1\r\nHost: chat\r\n\r\n");
    sockets.push(socket);
  }
  await sleep(forMs);
  for (const socket of sockets) socket.destroy();
}

async function openCrowd({ url }: ChaosNode, forMs: number): Promise<void> {
  const over = AbortSignal.timeout(forMs);
  const read = async (n: number) => {
    const answer = await fetch(`${url}/api/events?room=${ROOMS[n % ROOMS.length]}`, { signal: over });
    await answer.text();
  };
  await Promise.allSettled(Array.from({ length: 150 }, (_, n) => read(n)));
}

async function holdListener(rig: Rig, _random: Random, forMs: number): Promise<void> {
  const client = new pg.Client(rig.database.url);
  client.on("error", () => undefined);
  await client.connect();
  await client.query("listen chattera");
  await client.query("begin");
  await sleep(forMs);
  await client.end();
}

/** Prunes a room as `CHATTERA_KEEP_DAYS` does, down to its last five events. */
async function prune(rig: Rig, random: Random): Promise<void> {
  const room = random.pick(ROOMS);
  await keepLog(rig);
  const head = `(select last_seq - 5 from rooms where slug = '${room}')`;
  await asSuperuser(
    rig,
    `delete from events using rooms where rooms.id = room_id and slug = '${room}' and seq <= ${head};
     update rooms set pruned_seq = greatest(pruned_seq, last_seq - 5) where slug = '${room}'`,
  );
}
