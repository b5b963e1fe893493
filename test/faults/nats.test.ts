import { type AddressInfo, connect, createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { pino } from "pino";
import { natsWakeUps } from "../../server/bus/nats.ts";
import { readEnvironment } from "../../server/config.ts";
import { openStream } from "../../server/testing.ts";
import { openNode, person, say, type TestNode, type TestPerson } from "../support/app.ts";
import { createDatabase, query } from "../support/database.ts";
import { HAS_NATS, type Nats, openNats } from "../support/nats.ts";
import { until } from "../support/until.ts";

const withNats = HAS_NATS ? test : test.skip;

let database: Awaited<ReturnType<typeof createDatabase>>;
let nats: Nats;
let writer: TestNode;
let node: TestNode;
let ann: TestPerson;
const lines: string[] = [];

beforeAll(async () => {
  if (!HAS_NATS) return;
  database = await createDatabase();
  nats = await openNats();
  const logger = pino({ level: "debug" }, { write: (line) => lines.push(line) });
  writer = await openNode(database.url, { busUrl: nats.url }, logger);
  node = await openNode(database.url, { busUrl: nats.url }, logger);
  ann = await person(writer.url, "Ann");
  await say(writer.url, ann, "I am in");
  for (const one of [writer, node]) await until("the bus is listening", () => one.app.site.bus.isListening());
});

afterAll(async () => {
  await node?.close();
  await writer?.close();
  await nats?.close();
  await database?.drop();
});

withNats("with BUS_URL, no connection listens to the database", async () => {
  const listeners = await query(
    database.url,
    `select pid from pg_stat_activity where application_name = 'chattera listener' and datname = current_database()`,
  );
  expect(listeners).toEqual([]);
});

withNats(
  "while NATS is down, messages arrive a second late, each once and in order",
  async () => {
    const stream = await openStream(node.url, { room: "lobby" });
    await stream.signal("hello");
    const texts = Array.from({ length: 12 }, (_, n) => `message ${n}`);
    for (const [n, text] of texts.entries()) {
      if (n === 4) await nats.kill();
      if (n === 8) await nats.start();
      await say(writer.url, ann, text);
    }
    const events = await stream.events(texts.length);
    expect(events.map((event) => event.text)).toEqual(texts);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, n) => (events[0]?.seq as number) + n));
    await until(
      "the bus is listening again",
      () => node.app.site.bus.isListening() && writer.app.site.bus.isListening(),
      12_000,
    );
    await stream.close();
  },
  30_000,
);

withNats(
  "a node starts without its NATS, is not ready, and becomes ready when NATS is back",
  async () => {
    await nats.kill();
    lines.length = 0;
    const logger = pino({ level: "debug" }, { write: (line) => lines.push(line) });
    const late = await openNode(database.url, { busUrl: nats.url }, logger);
    expect(lines.join("")).toMatch(/bus connection to BUS_URL lost/);
    expect((await fetch(`${late.url}/readyz`)).status).toBe(503);
    const stream = await openStream(late.url, { room: "lobby" });
    const startedAt = performance.now();
    await say(writer.url, ann, "without NATS");
    expect(await stream.events(1)).toMatchObject([{ text: "without NATS" }]);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await nats.start();
    await until("it is ready", async () => (await fetch(`${late.url}/readyz`)).status === 200, 12_000);
    await stream.close();
    await late.close();
  },
  30_000,
);

withNats("the log has no credentials of NATS", () => {
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.filter((line) => line.includes("crit"))).toEqual([]);
});

test("an invalid BUS_URL is refused at the start, and its password is not in the error", () => {
  for (const url of ["nats://ann:s%40crit@ho st:4222", "nats://ann:s%40crit@:4222", "http://ann:s%40crit@host"]) {
    const read = () => readEnvironment({ BUS_URL: url });
    expect(read).toThrow(/^BUS_URL: must/);
    expect(read).not.toThrow(/crit/);
  }
});

withNats("connecting to a NATS that stops answering after its greeting fails after 5 s", async () => {
  const mute = createServer((near) => {
    const far = connect(Number(new URL(nats.url).port), "127.0.0.1");
    let hasGreeted = false;
    near.pipe(far);
    for (const socket of [near, far]) socket.on("error", () => socket.destroy());
    near.on("close", () => far.destroy());
    far.on("data", (piece) => {
      if (!hasGreeted) near.write(piece);
      hasGreeted ||= String(piece).includes("PONG");
    });
  });
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const url = new URL(nats.url);
  url.port = String((mute.address() as AddressInfo).port);
  const startedAt = performance.now();
  const ignore = () => undefined;
  await expect(natsWakeUps(url.href, "mute").listen(["news"], ignore, ignore)).rejects.toThrow("did not answer");
  expect(performance.now() - startedAt).toBeLessThan(6_000);
  await new Promise((resolve) => mute.close(resolve));
});
