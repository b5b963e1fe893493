import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import request from "supertest";
import { openNode, openSite, type TestNode, type TestSite } from "../support/app.ts";
import { query } from "../support/database.ts";

const TOKEN = "a-token-of-the-operator";

let site: TestSite;
let node: TestNode;
const servers: Server[] = [];

beforeAll(async () => {
  site = await openSite();
  node = await openNode(site.databaseUrl, { metricsToken: TOKEN, trustProxy: ["loopback"] });
});

afterAll(async () => {
  for (const server of servers) server.close();
  await node.close();
  await site.close();
});

/** The node as it looks to somebody at another address. */
function seenFrom(address: string): Server {
  const server = createServer(node.app.callback());
  server.on("connection", (socket) => Object.defineProperty(socket, "remoteAddress", { value: address }));
  servers.push(server);
  return server;
}

describe("metrics", () => {
  test("show a listener that is stuck in a transaction, and the snapshot that it holds", async () => {
    const stuck = new pg.Client(site.databaseUrl);
    stuck.on("error", () => undefined);
    await stuck.connect();
    await stuck.query("listen stuck");
    await stuck.query("begin isolation level repeatable read");
    await stuck.query("select 1 from chattera.rooms");
    // A page of the queue holds 8 KiB, and one notification counts when its page is full.
    const filler = "select pg_notify('stuck', repeat('x', 7000) || n) from generate_series(1, 2000) n";
    await query(site.databaseUrl, filler);
    const { text } = await request(node.url).get("/metrics").expect(200);
    const numberOf = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
    expect(numberOf("chattera_database_notification_queue")).toBeGreaterThan(0);
    expect(numberOf("chattera_database_oldest_snapshot")).toBeGreaterThan(0);
    expect(text).toMatch(/^chattera_database_dead_rows\{table="members"\} \d+$/m);
    await stuck.end();
  });

  test.each(["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])(
    "are for programs on this machine: %s",
    async (address) => {
      const { text } = await request(seenFrom(address)).get("/metrics").expect(200);
      expect(text).toContain("chattera_readers");
    },
  );

  test.each(["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1", ""])("do not exist for %j", async (address) => {
    const { text } = await request(seenFrom(address)).get("/metrics").set("accept", "*/*").expect(404);
    expect(text).toContain("no_such_page");
    await request(seenFrom(address)).get("/metrics").set("authorization", `Bearer ${TOKEN}x`).expect(404);
    await request(seenFrom(address))
      .get("/metrics")
      .set("authorization", `Bearer ${TOKEN.slice(1)}`)
      .expect(404);
    await request(seenFrom(address)).get(`/metrics?token=${TOKEN}`).expect(404);
  });

  test("are open to a caller with the token, from anywhere", async () => {
    for (const server of [seenFrom("203.0.113.9"), node.server])
      await request(server).get("/metrics").set("authorization", `Bearer ${TOKEN}`).expect(200);
  });

  test.each([
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Original-Forwarded-For",
    "X-Original-Host",
    "Forwarded",
    "Via",
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "True-Client-IP",
    "Fastly-Client-IP",
    "Fly-Client-IP",
    "X-Azure-ClientIP",
    "X-Envoy-External-Address",
    "CDN-Loop",
    "CF-Connecting-IP",
  ])("do not exist behind a proxy on this machine, which sends %s", async (name) => {
    await request(node.url).get("/metrics").expect(200);
    for (const value of ["127.0.0.1", "203.0.113.9"])
      await request(node.url).get("/metrics").set(name, value).expect(404);
    await request(node.url).get("/metrics").set(name, "1").set("authorization", `Bearer ${TOKEN}`).expect(200);
  });

  test.each(["localhost", "LOCALHOST:3000", "127.0.0.1", "127.0.1.1:80", "[::1]", "[::1]:3000"])(
    "are for programs that ask this machine for %s",
    (host) => request(node.url).get("/metrics").set("host", host).expect(200),
  );

  test.each(["evil.com", "evil.com:80", "localhost.evil.com", "127.0.0.1.evil.com", "127.evil.com", "192.0.2.1", ""])(
    "do not exist under the host %j, by DNS rebinding or through a proxy that adds no header",
    async (host) => {
      await request(node.url).get("/metrics").set("host", host).expect(404);
      const sent = request(node.url).get("/metrics").set("host", host).set("authorization", `Bearer ${TOKEN}`);
      await sent.expect(200);
    },
  );

  test("have no token if none is configured", async () => {
    const [other] = site.nodes as [TestNode];
    for (const token of ["", "undefined", TOKEN]) {
      const sent = request(other.url).get("/metrics").set("via", "1.1 a").set("authorization", `Bearer ${token}`);
      await sent.expect(404);
    }
  });
});

test("readiness costs one query a second, for any number of callers", async () => {
  const { db } = node.app.site;
  let queries = 0;
  const count = ({ sql }: { sql: string }) => {
    if (sql === "select 1") queries += 1;
  };
  db.on("query", count);
  const startedAt = performance.now();
  for (let n = 0; n < 10; n += 1) {
    const asked = Array.from({ length: 10 }, () => fetch(`${node.url}/readyz`));
    for (const { status } of await Promise.all(asked)) expect(status).toBe(200);
  }
  db.off("query", count);
  expect(queries).toBeGreaterThanOrEqual(1);
  expect(queries).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - startedAt) / 1000));
});
