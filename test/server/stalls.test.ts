import { createServer } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import Koa from "koa";
import mount from "koa-mount";
import { pino } from "pino";
import request from "supertest";
import { openNode, openSite, type TestNode, type TestSite } from "../support/app.ts";
import { until } from "../support/until.ts";

type Line = {
  level: number;
  msg: string;
  method?: string;
  route?: string;
  ms: number;
  cpuMs: number;
  underWay?: string[];
};

const lines: Line[] = [];
const stalls = () => lines.filter(({ msg }) => msg === "event loop blocked");

let site: TestSite;
let node: TestNode;

beforeAll(async () => {
  site = await openSite();
  const logger = pino({ level: "info" }, { write: (line: string) => lines.push(JSON.parse(line)) });
  node = await openNode(site.databaseUrl, {}, logger);
});

afterAll(async () => {
  await node.close();
  await site.close();
});

beforeEach(() => {
  lines.length = 0;
});

/** Blocks the event loop as code does that counts, or, stopped, without using the CPU. */
function block(ms: number, isStopped = false): void {
  if (isStopped) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  else {
    const [start, startCpuMs] = [performance.now(), cpuMs()];
    while (performance.now() - start < ms || cpuMs() - startCpuMs < ms);
  }
}

/** The CPU that this process has used. On a busy machine the clock runs ahead of it. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function stallsCounted(): Promise<number> {
  const { text } = await request(node.url).get("/metrics").expect(200);
  return Number(/^chattera_event_loop_stalls_total (\d+)$/m.exec(text)?.[1]);
}

/** Blocks while the database answers a statement, in the step of the request that sent it. */
function blockAtAnswer(of: RegExp, ms: number): void {
  const { db } = node.app.site;
  const onAnswer = (_rows: unknown, { sql }: { sql: string }) => {
    if (!of.test(sql)) return;
    db.off("query-response", onAnswer);
    block(ms);
  };
  db.on("query-response", onAnswer);
}

test("a stall is logged with its route, and counted", async () => {
  const before = await stallsCounted();
  const host = new Koa();
  // The getter of a host's body runs while chattera handles the request.
  host.use((ctx, next) => {
    const get = () => {
      block(300);
      return "Ann";
    };
    (ctx.request as { body?: object }).body = Object.defineProperty({}, "nickname", { get, enumerable: true });
    return next();
  });
  host.use(mount("/chat", node.app));
  const server = createServer(host.callback()).listen(0);
  await request(server).post("/chat/api/session").send().expect(201);
  expect(await stallsCounted()).toBeGreaterThan(before);
  for (const stall of stalls()) expect(stall).toMatchObject({ method: "POST", route: "/api/session" });
  expect(stalls()[0]?.ms).toBeGreaterThanOrEqual(299);
  server.close();
});

test("a request that blocks after its body has arrived is named by the pattern of its route", async () => {
  const { rooms } = node.app.site.hub;
  const open = rooms.open.bind(rooms);
  rooms.open = (slugs) => {
    if (slugs.includes("slow")) block(300);
    return open(slugs);
  };
  const token = node.app.site.tokens.sign({ id: "a", nickname: "Ann", color: "#000000" });
  const others = Array.from({ length: 10 }, () => fetch(`${node.url}/api/rooms`));
  const sent = request(node.url).post("/api/rooms/slow/enter").set("authorization", `Bearer ${token}`);
  await Promise.all([sent.send({}).expect(404), ...others]);
  rooms.open = open;
  expect(stalls()).toContainEqual(expect.objectContaining({ method: "POST", route: "/api/rooms/:room/enter" }));
});

test("a request that blocks after the database has answered is recognized by its end", async () => {
  await request(node.url).get("/api/rooms/lobby/members").expect(200);
  blockAtAnswer(/from .*members/s, 400);
  await request(node.url).get("/api/rooms/lobby/members").expect(200);
  expect(stalls()).toContainEqual(expect.objectContaining({ method: "GET", route: "/api/rooms/:room/members" }));
});

test("if the request is unknown, the running routes are named", async () => {
  await request(node.url).get("/api/rooms/lobby/messages").expect(200);
  blockAtAnswer(/talk_page/, 400);
  await request(node.url).get("/api/rooms/lobby/messages").expect(200);
  const underWay = ["GET /api/rooms/:room/messages"];
  expect(stalls()).toContainEqual(expect.objectContaining({ route: "unknown", underWay }));
});

test("a request that nobody answers has no route", async () => {
  const host = new Koa();
  host.use((ctx, next) => {
    const get = () => block(300);
    // The getter runs when the refusal chooses between a page and JSON.
    Object.defineProperty(ctx.req.headers, "accept", { get });
    return next();
  });
  host.use(mount(node.app));
  await request(host.callback()).post("/nowhere").send().expect(404);
  expect(stalls()[0]).toMatchObject({ method: "POST", route: "no route" });
});

test("waiting polls are not named for a stall that no request caused", async () => {
  const { hub } = node.app.site;
  const polls = Array.from({ length: 100 }, () => fetch(`${node.url}/api/poll?room=lobby&wait=3`));
  await until("all polls are read for", () => hub.readers.size === 100);
  // A poll that does not wait is answered once the polls before it wait.
  await fetch(`${node.url}/api/poll?room=lobby&wait=0`);
  lines.length = 0;
  block(400);
  await until("it is logged", () => stalls().length > 0);
  // Wait until the polls' time is over, in the middle of another stall.
  await until("the first poll is answered", () => hub.readers.size < 100);
  for (const poll of polls) expect((await poll).status).toBe(200);
  expect(stalls()[0]).toMatchObject({ route: "no request" });
  expect(JSON.stringify(stalls())).not.toContain("poll");
});

test("a stop of the whole process is logged as such and not counted", async () => {
  const before = await stallsCounted();
  lines.length = 0;
  block(600, true);
  const stop = await until("it is logged", () => lines.find(({ msg }) => msg === "process did not run"));
  expect(stop).toMatchObject({ level: 30, ms: expect.any(Number), cpuMs: expect.any(Number) });
  expect(stop.ms).toBeGreaterThanOrEqual(500);
  expect(stalls()).toEqual([]);
  expect(await stallsCounted()).toBe(before);
});

test("a quiet site logs none", async () => {
  for (let n = 0; n < 20; n += 1) await request(node.url).get("/rooms/lobby").expect(200);
  block(100);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(stalls()).toEqual([]);
});
