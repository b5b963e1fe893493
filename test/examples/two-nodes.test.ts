import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connect } from "../../client/index.ts";
import { createDatabase } from "../support/database.ts";
import { endExamples, runExample } from "../support/example.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(async () => {
  await endExamples();
  await database.drop();
});

test("a message sent at one node arrives at the other", async () => {
  const ports = [await freePort(), await freePort()];
  const nodes = runExample("two-nodes/nodes.js", [], { DATABASE_URL: database.url, PORTS: ports.join() });
  await until("both nodes listen", () => nodes.printed().match(/chattera is at/g)?.length === 2, 15_000);

  const [ann, ben] = ports.map((port, n) =>
    connect(`http://localhost:${port}`, { room: "lobby", nickname: ["Ann", "Ben"][n] ?? "" }),
  );
  const texts: string[] = [];
  ben?.on("event", ({ text }) => text !== undefined && texts.push(text));
  await ben?.ready;
  await ann?.send("hello");
  await until("Ben has read it", () => texts.length > 0);
  for (const room of [ann, ben]) room?.close();

  expect(texts).toEqual(["hello"]);
  expect(await nodes.end()).toBe(0);
});
