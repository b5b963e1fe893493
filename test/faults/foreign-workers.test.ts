import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openStream } from "../../server/testing.ts";
import { person, say } from "../support/app.ts";
import { createDatabase } from "../support/database.ts";
import { endSites, spawnSite } from "../support/site-process.ts";
import { until } from "../support/until.ts";

/** Runs a program as two workers, as PM2 does in its cluster mode. */
const PRIMARY = `
  const cluster = require("node:cluster");
  const [, , execArgv, loader, exec, ...args] = process.argv;
  cluster.setupPrimary({ exec, args, execArgv: [execArgv, loader] });
  cluster.fork();
  cluster.fork();
`;

let database: Awaited<ReturnType<typeof createDatabase>>;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(async () => {
  await endSites();
  await database?.drop();
});

test("two workers of another program hear each other's messages at once", async () => {
  const { said } = spawnSite(database.url, {}, [process.execPath, "-e", PRIMARY, "--"]);
  await until("both serve", () => said().match(/"msg":"serving"/g)?.length === 2, 20_000);
  const url = /"url":"([^"]+)"/.exec(said())?.[1]?.replace("localhost", "127.0.0.1") as string;
  const ann = await person(url, "Ann");
  await say(url, ann, "I am in");
  // Each on a connection of its own, since the workers take turns.
  const streams = await Promise.all([1, 2, 3, 4].map(() => openStream(url, { room: "lobby" })));
  for (const stream of streams) await stream.signal("hello");
  const startedAt = performance.now();
  await say(url, ann, "hello");
  for (const stream of streams) expect(await stream.events(1)).toMatchObject([{ text: "hello" }]);
  // Without wake-ups, the log is read every 5 s.
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  for (const stream of streams) await stream.close();
}, 40_000);
