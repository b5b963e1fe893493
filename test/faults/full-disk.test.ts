import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { pino } from "pino";
import { type EmbeddedDatabase, startEmbedded } from "../../db/embedded/start.ts";
import { migrate } from "../../db/migrate.ts";
import { clientId, openNode, person, type TestNode, type TestPerson } from "../support/app.ts";
import { CAN_MOUNT, fillDisk, mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";
import { until } from "../support/until.ts";

const asRoot = CAN_MOUNT ? test : test.skip;

type Line = { level: number; msg: string; cause?: string; seconds?: number };

let folder: string;
let disk: SmallDisk;
let database: EmbeddedDatabase;
let node: TestNode;
let ann: TestPerson;
const lines: Line[] = [];

beforeAll(async () => {
  if (!CAN_MOUNT) return;
  folder = await mkdtemp(join(tmpdir(), "chattera-full-disk-"));
  // As root, PostgreSQL runs as another user.
  await chmod(folder, 0o711);
  disk = await mountSmallDisk(join(folder, "disk"), "200m");
  database = await startEmbedded({ dataDir: join(folder, "disk/data") });
  await migrate(database.url);
  const logger = pino({ level: "info" }, { write: (line) => lines.push(JSON.parse(line) as Line) });
  node = await openNode(database.url, {}, logger);
  ann = await person(node.url, "Ann");
}, 60_000);

afterAll(async () => {
  await node?.close();
  await database?.stop();
  disk?.unmount();
  if (folder) await rm(folder, { recursive: true });
});

asRoot(
  "while the database's disk is full, the node is not ready and shows its pages, and all goes on after it",
  async () => {
    expect(await post()).toBe(201);
    await fillDisk(join(folder, "disk/fill"));
    await until("a message is refused", async () => (await post()) === 503);
    // A balancer asks on and sends no message, and small changes of rows find room.
    for (let n = 0; n < 3; n += 1) {
      expect(await readiness()).toMatchObject({ status: 503, checks: { database: true, storing: false } });
      await sleep(1_100);
    }
    expect((await fetch(`${node.url}/rooms/lobby`)).status).toBe(200);

    await rm(join(folder, "disk/fill"));
    await until("the node is ready again, without a message", async () => (await readiness()).status === 200);
    expect(await post()).toBe(201);
    await until("the end is logged", () => lines.some(({ msg }) => msg === "storing messages works again"));
    const warned = lines.filter(({ msg }) => msg.startsWith("storing messages"));
    expect(warned).toEqual([
      expect.objectContaining({ cause: expect.stringMatching(/^53100: .* No space left on device$/) }),
      expect.objectContaining({ msg: "storing messages works again", seconds: expect.any(Number) }),
    ]);
  },
  60_000,
);

/** Posts a message that fills a quarter of a page of the table. */
async function post(): Promise<number> {
  const answer = await fetch(`${node.url}/api/rooms/lobby/messages`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${ann.token}` },
    body: JSON.stringify({ id: clientId(), text: "lorem ".repeat(300) }),
  });
  await answer.body?.cancel();
  return answer.status;
}

async function readiness(): Promise<{ status: number; checks: { [name: string]: boolean } }> {
  const answer = await fetch(`${node.url}/readyz`);
  const { checks } = (await answer.json()) as { checks: { [name: string]: boolean } };
  return { status: answer.status, checks };
}
