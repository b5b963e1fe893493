import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openSite, type TestSite } from "../support/app.ts";
import { query } from "../support/database.ts";

let site: TestSite;
let url: string;

beforeAll(async () => {
  site = await openSite();
  url = site.nodes[0]?.url as string;
  const sql = (statement: string) => query(site.databaseUrl, statement);
  await sql("insert into rooms (slug, title) select 'room-' || n, 'Room ' || n from generate_series(1, 50000) n");
  await sql(`insert into members (room_id, member_id, nickname, color, look)
    select 1, 'm' || n, 'n' || n, '#b3261e', 'n' || n from generate_series(1, 100000) n`);
  await sql("vacuum analyze");
}, 120_000);

afterAll(() => site.close());

/**
 * Returns how long an answer takes, the best of three, and how long /healthz takes at most
 * meanwhile, in ms.
 */
async function timesOf(path: string): Promise<{ answer: number; health: number }> {
  const times = { answer: Number.POSITIVE_INFINITY, health: 0 };
  for (let n = 0; n < 3; n += 1) {
    // A room is not counted again within a second.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const since = performance.now();
    const answer = timed(path);
    while (performance.now() - since < 300) times.health = Math.max(times.health, await timed("/healthz"));
    times.answer = Math.min(times.answer, await answer);
  }
  return times;
}

async function timed(path: string): Promise<number> {
  const since = performance.now();
  const response = await fetch(url + path);
  await response.arrayBuffer();
  expect(response.status).toBe(200);
  return performance.now() - since;
}

test.each(["/api/rooms/lobby", "/rooms/lobby", "/api/rooms", "/", "/api/rooms/lobby/members"])(
  "with 100,000 members in a room and 50,000 rooms, %s is answered within 100 ms and delays nobody",
  async (path) => {
    const { answer, health } = await timesOf(path);
    process.stderr.write(`${path}: ${answer.toFixed(0)} ms, /healthz ${health.toFixed(0)} ms\n`);
    expect(answer).toBeLessThan(100);
    expect(health).toBeLessThan(100);
  },
  30_000,
);
