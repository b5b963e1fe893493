import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { ChaosFault } from "./fault.ts";
import { openCrowd } from "./limits.ts";
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

/** Faults of processes, connections and data. */
export const FAULTS: ChaosFault[] = [
  {
    name: "F1 a node is killed",
    goal: "everybody has messages 5 s after its start",
    recoverMs: 5_000,
    strike: async (rig, random) => {
      const node = random.pick(rig.nodes);
      await endNode(node, "SIGKILL");
      await startNode(rig, node);
    },
  },
  {
    name: "F2 PostgreSQL is killed",
    goal: "everybody has messages 3 s after PostgreSQL is up",
    recoverMs: 3_000,
    strike: async (rig) => {
      for (const pid of await postgresPids(rig)) signal(pid, "SIGKILL");
      await untilAnswering(rig);
    },
  },
  {
    name: "F3 a listening connection falls silent",
    goal: "no message is later than 12 s",
    recoverMs: 12_000,
    strike: (rig, random, forMs) => through(random.pick(rig.nodes).listener, "blackHole", 2 * forMs),
  },
  {
    name: "F4 PostgreSQL ends all connections",
    goal: "no message is later than 2 s",
    recoverMs: 2_000,
    strike: async (rig) => {
      await asSuperuser(rig, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'chattera'");
    },
  },
  {
    name: "F5 an older copy of the data is put back under running nodes",
    goal: "everybody has messages within 10 s",
    recoverMs: 10_000,
    strike: restoreRunning,
  },
  {
    name: "F23 an older copy of the data is put back while no node runs",
    goal: "everybody has messages within 10 s",
    recoverMs: 10_000,
    strike: restoreStopped,
  },
  {
    name: "F7 PostgreSQL stands still",
    goal: "everybody has messages 3 s after it goes on",
    recoverMs: 3_000,
    strike: async (rig, _random, forMs) => {
      const pids = await postgresPids(rig);
      for (const pid of pids) signal(pid, "SIGSTOP");
      await sleep(forMs);
      for (const pid of pids) signal(pid, "SIGCONT");
    },
  },
  {
    name: "F8 all connections of PostgreSQL are taken",
    goal: "everybody has messages 3 s after some are free",
    recoverMs: 3_000,
    strike: takeConnections,
  },
  {
    name: "F9 a node stands still",
    goal: "everybody has messages 3 s after it goes on",
    recoverMs: 3_000,
    strike: async (rig, random, forMs) => {
      const node = random.pick(rig.nodes);
      node.process?.kill("SIGSTOP");
      await sleep(forMs);
      node.process?.kill("SIGCONT");
    },
  },
  {
    name: "F10 clients do not read",
    goal: "others get messages as before",
    recoverMs: 2_000,
    strike: (rig, random, forMs) => openUnread(random.pick(rig.nodes), forMs),
  },
  {
    name: "F11 a crowd comes at once",
    goal: "others get messages as before",
    recoverMs: 2_000,
    strike: (rig, random, forMs) => openCrowd(random.pick(rig.nodes), 150, forMs),
  },
  {
    name: "F14 a node is asked to end",
    goal: "it ends with 0, and everybody has messages 5 s after the next start",
    recoverMs: 5_000,
    strike: async (rig, random) => {
      const node = random.pick(rig.nodes);
      const code = await endNode(node, "SIGTERM");
      if (code !== 0) rig.missed.push(`it ended with ${code}`);
      await startNode(rig, node);
    },
  },
  {
    name: "F16 a node is cut off from its database",
    goal: "everybody has messages 5 s after it is back",
    recoverMs: 5_000,
    strike: async (rig, random, forMs) => {
      const { pool, listener } = random.pick(rig.nodes);
      await Promise.all([through(pool, "blackHole", forMs), through(listener, "blackHole", forMs)]);
    },
  },
  {
    name: "F17 a proxy cuts connections",
    goal: "everybody has messages within 5 s",
    recoverMs: 5_000,
    strike: async (rig, random, forMs) => {
      for (let n = 0; n < 5; n += 1) {
        random.pick(rig.nodes).front.cut();
        await sleep(forMs / 5);
      }
    },
  },
  {
    name: "F18 clients are half open",
    goal: "everybody has messages within 10 s",
    recoverMs: 10_000,
    strike: (rig, random, forMs) => through(random.pick(rig.nodes).front, "blackHole", forMs),
  },
  {
    name: "F19 answers are cut after the commit",
    goal: "everybody has messages within 5 s",
    recoverMs: 5_000,
    strike: async (rig, random, forMs) => {
      const { front } = random.pick(rig.nodes);
      front.cutBeforeAnswer();
      await sleep(forMs);
      await front.pass();
    },
  },
  {
    name: "F21 a listener is stuck in a transaction",
    goal: "others get messages as before",
    recoverMs: 2_000,
    strike: holdListener,
  },
  {
    name: "F26 events are pruned",
    goal: "others get messages as before",
    recoverMs: 2_000,
    strike: prune,
  },
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

async function holdListener(rig: Rig, _random: Random, forMs: number): Promise<void> {
  const client = new pg.Client(rig.database.url);
  client.on("error", () => undefined);
  await client.connect();
  await client.query("listen chattera");
  await client.query("begin");
  await sleep(forMs);
  await client.end();
}

/**
 * Prunes a room as `CHATTERA_KEEP_DAYS` does, down to its last five events, of those that the run
 * has kept: others may come meanwhile.
 */
async function prune(rig: Rig, random: Random): Promise<void> {
  const room = random.pick(ROOMS);
  await keepLog(rig);
  const last = (rig.logs.at(-1)?.get(room)?.at(-1)?.seq ?? 0) - 5;
  await asSuperuser(
    rig,
    `delete from events using rooms where rooms.id = room_id and slug = '${room}' and seq <= ${last};
     update rooms set pruned_seq = greatest(pruned_seq, ${last}) where slug = '${room}'`,
  );
}
