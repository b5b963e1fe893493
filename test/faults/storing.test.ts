import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { pino } from "pino";
import { clientId, openNode, person, type TestNode, type TestPerson } from "../support/app.ts";
import { createDatabase, query, testServer } from "../support/database.ts";
import { until } from "../support/until.ts";

type Line = { level: number; msg: string; cause?: string; failures?: number; seconds?: number };

const WARNING = 40;

let database: Awaited<ReturnType<typeof createDatabase>>;
let node: TestNode;
let ann: TestPerson;
const lines: Line[] = [];

beforeAll(async () => {
  database = await createDatabase();
  const logger = pino({ level: "info" }, { write: (line) => lines.push(JSON.parse(line) as Line) });
  node = await openNode(database.url, {}, logger);
  ann = await person(node.url, "Ann");
});

beforeEach(() => {
  lines.length = 0;
});

afterAll(async () => {
  await node?.close();
  await database?.drop();
});

test("while the database stores nothing, the node is not ready, and its log has the cause once and the end once", async () => {
  const name = new URL(database.url).pathname.slice(1);
  await reconnectAfter(`alter database ${name} set default_transaction_read_only = on`);
  for (let n = 0; n < 20; n++) expect(await post()).toMatchObject({ status: 503, code: "unavailable" });
  expect(await readiness()).toMatchObject({ status: 503, checks: { database: true, storing: false } });
  expect((await fetch(`${node.url}/rooms/lobby`)).status).toBe(200);

  await reconnectAfter(`alter database ${name} reset default_transaction_read_only`);
  await until("the node is ready again, without a message", async () => (await readiness()).status === 200);
  expect((await post()).status).toBe(201);
  await until("the end is logged", () => lines.some(({ msg }) => msg === "storing messages works again"));
  const storing = lines.filter(({ msg }) => msg.startsWith("storing messages"));
  expect(storing).toEqual([
    expect.objectContaining({
      level: WARNING,
      msg: "storing messages failed; retrying",
      failures: 1,
      cause: expect.stringContaining("25006: cannot execute"),
    }),
    expect.objectContaining({ msg: "storing messages works again", seconds: expect.any(Number) }),
  ]);
  expect(lines.filter(({ msg }) => msg === "unexpected error")).toEqual([]);
});

test.each([
  ["a table is missing during a restore", { missing: "table events", code: "42P01" }],
  ["a function is missing", { missing: "function append_drafts", code: "42883" }],
])("while %s, a message gets 503, not 500, and the log has the cause", async (_, { missing, code }) => {
  await query(database.url, `alter ${missing} rename to gone`);
  try {
    expect(await post()).toMatchObject({ status: 503, code: "unavailable" });
  } finally {
    await query(database.url, `alter ${missing.split(" ")[0]} gone rename to ${missing.split(" ")[1]}`);
  }
  await until("the message is taken", async () => (await post()).status === 201);
  await until("the end is logged", () => lines.some(({ msg }) => msg === "storing messages works again"));
  const warned = lines.filter(({ level }) => level >= WARNING);
  expect(warned.map(({ cause }) => cause?.slice(0, 5))).toContain(code);
  expect(warned.filter(({ msg }) => msg === "unexpected error")).toEqual([]);
});

async function post(): Promise<{ status: number; code?: string }> {
  const answer = await fetch(`${node.url}/api/rooms/lobby/messages`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${ann.token}` },
    body: JSON.stringify({ id: clientId(), text: "still there?" }),
  });
  return { status: answer.status, ...((await answer.json()) as { code?: string }) };
}

async function readiness(): Promise<{ status: number; checks: { [name: string]: boolean } }> {
  const answer = await fetch(`${node.url}/readyz`);
  const { checks } = (await answer.json()) as { checks: { [name: string]: boolean } };
  return { status: answer.status, checks };
}

/** Changes the database's settings, which its connections get when they are opened. */
async function reconnectAfter(statement: string): Promise<void> {
  await query(testServer().url, statement);
  await query(
    testServer().url,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${new URL(database.url).pathname.slice(1)}'`,
  );
}
