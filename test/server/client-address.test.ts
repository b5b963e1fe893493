import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import Koa from "koa";
import { pino } from "pino";
import request from "supertest";
import { clientAddress } from "../../server/guard/client-address.ts";
import { createLog } from "../../server/log.ts";

let server: Server;
let url: string;

beforeAll(async () => {
  const app = new Koa();
  app.use(clientAddress(["loopback", "10.0.0.0/8", "fd00::/8"], createLog("silent")));
  app.use((ctx) => {
    ctx.body = { address: ctx.state.address, isSecure: ctx.state.isSecure };
  });
  server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

async function addressFor(forwarded: string): Promise<string> {
  return (await request(url).get("/").set("X-Forwarded-For", forwarded)).body.address;
}

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["203.0.113.7:10000", "203.0.113.7"],
  ["203.0.113.7:10001", "203.0.113.7"],
  ["[2001:db8::7]:443", "2001:db8::7"],
  ["2001:db8::7%eth0", "2001:db8::7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ['"[2001:db8::7]:443"', "2001:db8::7"],
  ["198.51.100.1, 203.0.113.7", "203.0.113.7"],
  ["198.51.100.1,203.0.113.7:1234,10.0.0.3:80", "203.0.113.7"],
  ["203.0.113.7, [fd00::3]:80, 10.0.0.3", "203.0.113.7"],
])("behind a trusted proxy %j comes from %s", async (forwarded, address) => {
  expect(await addressFor(forwarded)).toBe(address);
});

test.each([
  ["nothing", "", "127.0.0.1"],
  ["no address", "unknown", "127.0.0.1"],
  ["no address behind an address", "203.0.113.7, unknown", "127.0.0.1"],
  ["no address before a proxy", "unknown, 10.0.0.3", "10.0.0.3"],
  ["a comma too many", "203.0.113.7,", "127.0.0.1"],
  ["proxies alone", "10.0.0.2, 10.0.0.3", "10.0.0.2"],
])("%s counts as the proxy that passed it on", async (_what, forwarded, address) => {
  expect(await addressFor(forwarded)).toBe(address);
});

test.each([
  ["https", true],
  ["HTTPS", true],
  ["Https, http", true],
  ["http", false],
  ["http, HTTPS", false],
  ["httpss", false],
])("X-Forwarded-Proto: %s of a trusted proxy means a secure connection: %s", async (scheme, isSecure) => {
  const { body } = await request(url).get("/").set("X-Forwarded-Proto", scheme);
  expect(body.isSecure).toBe(isSecure);
});

test("a forged list of trusted addresses of any length neither takes long nor gets a bucket of its own", async () => {
  const long = (first: string) => `${first},${"10.0.0.3,".repeat(1500)}10.0.0.4`;
  const startedAt = performance.now();
  expect(await addressFor(long("203.0.113.7"))).toBe("127.0.0.1");
  expect(await addressFor(long("10.9.9.9"))).toBe("127.0.0.1");
  expect(await addressFor(`${"1,".repeat(4000)}203.0.113.7`)).toBe("203.0.113.7");
  expect(performance.now() - startedAt).toBeLessThan(1000);
});

test("an untrusted proxy nearby is logged once, and its address counts as many visitors'", async () => {
  const lines: string[] = [];
  const app = new Koa();
  app.use(clientAddress([], pino({}, { write: (line: string) => lines.push(line) })));
  app.use((ctx) => {
    ctx.body = { address: ctx.state.address, isManyVisitors: ctx.state.isManyVisitors === true };
  });
  const ask = (headers: { [name: string]: string }) => request(app.callback()).get("/").set(headers);
  expect((await ask({})).body).toMatchObject({ isManyVisitors: false });
  expect(lines).toEqual([]);
  for (const forwarded of ["203.0.113.7", "203.0.113.8"]) {
    const { body } = await ask({ "X-Forwarded-For": forwarded });
    expect(body).toEqual({ address: "127.0.0.1", isManyVisitors: true });
  }
  expect(lines.length).toBe(1);
  expect(lines[0]).toMatch(/"proxy":"127.0.0.1".*TRUST_PROXY/);
});
