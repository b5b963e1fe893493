import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Logger } from "../../server/log.ts";
import { capConnections } from "../../server/process/connections.ts";
import { takeSocket } from "../../server/streams/socket.ts";
import { until } from "../support/until.ts";

let server: Server;
let port: number;
let logged: { connections: number; address?: string }[];
let clients: Client[];

type Client = { socket: Socket; text(): string; isClosed(): boolean; ask(path: string): Promise<void> };

beforeEach(() => {
  logged = [];
  clients = [];
});

afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

/** Opens a server. `seenAs` names the address that it sees in place of one of this machine's. */
async function open(
  caps: { perAddress?: number; perBlock?: number; total?: number; trustProxy?: string[] },
  seenAs: { [address: string]: string } = {},
): Promise<void> {
  server = createServer((request, response) => {
    if (request.url === "/quick") response.end("quick");
    else response.flushHeaders();
    // As a stream does it, once the request is read: Node's http has nothing to do with the
    // connection from then on.
    if (request.url === "/taken") setImmediate(() => takeSocket(response));
  });
  const log = (fields: (typeof logged)[number]) => logged.push(fields);
  const shares = (address: string) => (address === "127.0.0.3" ? 2 : 1);
  const limits = { perAddress: 1000, perBlock: 1000, total: 1000, trustProxy: [], shares, ...caps };
  server.on("connection", (socket) => {
    const value = seenAs[socket.remoteAddress ?? ""];
    if (value !== undefined) Object.defineProperty(socket, "remoteAddress", { value });
  });
  capConnections(server, limits, { warn: log, error: log } as unknown as Logger);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
}

async function visitor(localAddress = "127.0.0.1"): Promise<Client> {
  const socket = connect({ host: "127.0.0.1", port, localAddress });
  let text = "";
  let isClosed = false;
  socket.setEncoding("utf8").on("data", (piece) => {
    text += piece;
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    isClosed = true;
  });
  const ask = async (path: string) => {
    const before = text;
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until("an answer begins", () => text !== before || isClosed);
  };
  const client = { socket, text: () => text, isClosed: () => isClosed, ask };
  clients.push(client);
  await once(socket, "connect");
  return client;
}

const closed = () => clients.map((client) => client.isClosed());

describe("at the cap of an address", () => {
  test("a newcomer takes the place of the oldest idle connection, not of one with a running request", async () => {
    await open({ perAddress: 4 });
    const [parked, taken, idle, silent] = [await visitor(), await visitor(), await visitor(), await visitor()];
    await parked.ask("/parked");
    await taken.ask("/taken");
    await idle.ask("/quick");
    silent.socket.write("GET / HTTP/1.1\r\nHo");
    await (await visitor()).ask("/quick");
    await until("the first place is taken", () => closed().filter(Boolean).length === 1);
    expect(closed()).toEqual([false, false, true, false, false]);
    await (await visitor()).ask("/parked");
    await until("the second place is taken", () => closed().filter(Boolean).length === 2);
    expect(closed()).toEqual([false, false, true, true, false, false]);
  });

  test("a newcomer is refused if none is idle; others are not, and it is admitted once one is free", async () => {
    await open({ perAddress: 2 });
    for (const path of ["/parked", "/taken"]) await (await visitor()).ask(path);
    const refused = await visitor();
    await until("it is closed", refused.isClosed);
    const other = await visitor("127.0.0.2");
    await other.ask("/quick");
    expect(other.text()).toContain("quick");
    clients[1]?.socket.destroy();
    await until("the server has seen the end", async () => (await connections()) === 2);
    const next = await visitor();
    await next.ask("/quick");
    expect([next.text().includes("quick"), closed()]).toEqual([true, [false, true, true, false, false]]);
  });

  test("a trusted proxy has no cap", async () => {
    await open({ perAddress: 1, trustProxy: ["127.0.0.1"] });
    for (let n = 0; n < 5; n += 1) await (await visitor()).ask("/parked");
    expect([closed(), logged]).toEqual([[false, false, false, false, false], []]);
  });

  test("a larger network has a larger cap", async () => {
    await open({ perAddress: 3 });
    for (let n = 0; n < 6; n += 1) await (await visitor("127.0.0.3")).ask("/parked");
    expect(closed()).not.toContain(true);
    await until("the seventh is closed", (await visitor("127.0.0.3")).isClosed);
  });

  test("closed connections are logged once a minute, with the address", async () => {
    await open({ perAddress: 1 });
    for (let n = 0; n < 20; n += 1) await visitor("127.0.0.7");
    await until("nineteen are closed", () => closed().filter(Boolean).length === 19);
    expect(logged).toEqual([{ connections: 1, address: "127.0.0.7", limit: 1 }]);
  });
});

describe("at the limit of open files", () => {
  test("the address with the most connections loses its idle ones, and newcomers are served", async () => {
    await open({ total: 50 });
    for (let n = 0; n < 45; n += 1) await visitor("127.0.0.7");
    for (let n = 0; n < 5; n += 1) await (await visitor("127.0.0.1")).ask("/quick");
    for (let n = 0; n < 10; n += 1) {
      const newcomer = await visitor("127.0.0.2");
      await newcomer.ask("/quick");
      expect(newcomer.text()).toContain("quick");
    }
    expect(closed().slice(0, 45).filter(Boolean)).toHaveLength(10);
    expect(closed().slice(45).filter(Boolean)).toEqual([]);
    expect(logged).toEqual([{ connections: 1, limit: 50 }]);
  });

  test("the oldest busy connection of the address with the most makes room for a newcomer of a smaller one", async () => {
    await open({ total: 6 });
    for (let n = 0; n < 4; n += 1) await (await visitor("127.0.0.7")).ask(n % 2 ? "/taken" : "/parked");
    for (let n = 0; n < 2; n += 1) await (await visitor("127.0.0.8")).ask("/taken");
    for (let n = 0; n < 2; n += 1) {
      const newcomer = await visitor("127.0.0.2");
      await newcomer.ask("/parked");
      expect(newcomer.text()).toContain("200 OK");
    }
    expect(closed()).toEqual([true, true, false, false, false, false, false, false]);
  });

  test("a newcomer is refused if none is idle and no address holds more than its own would", async () => {
    await open({ total: 6 });
    for (const address of ["127.0.0.7", "127.0.0.8", "127.0.0.9"])
      for (let n = 0; n < 2; n += 1) await (await visitor(address)).ask("/taken");
    await until("a second address is not refused", async () => {
      const newcomer = await visitor("127.0.0.2");
      await newcomer.ask("/taken");
      return newcomer.text().includes("200 OK");
    });
    for (const address of ["127.0.0.2", "127.0.0.7"]) await until("it is closed", (await visitor(address)).isClosed);
    expect(closed()).toEqual([true, false, false, false, false, false, false, true, true]);
  });

  test("no address holds more than half, whatever its shares are", async () => {
    await open({ total: 10, perBlock: 5 });
    for (let n = 0; n < 5; n += 1) await (await visitor("127.0.0.3")).ask("/taken");
    await until("the sixth is closed", (await visitor("127.0.0.3")).isClosed);
    expect(closed()).toEqual([false, false, false, false, false, true]);
    expect(logged).toEqual([{ connections: 1, address: "127.0.0.3", limit: 5 }]);
  });

  test("an address with more shares is not the one that holds most before it has used them", async () => {
    await open({ total: 6 });
    for (let n = 0; n < 3; n += 1) await (await visitor("127.0.0.3")).ask("/taken");
    for (let n = 0; n < 3; n += 1) await (await visitor("127.0.0.7")).ask("/taken");
    await (await visitor("127.0.0.2")).ask("/taken");
    expect(closed()).toEqual([false, false, false, true, false, false, false]);
  });

  test("busy connections of a trusted proxy are not closed, and its visitors take the place of greedier ones", async () => {
    await open({ total: 6, trustProxy: ["127.0.0.9"] });
    for (let n = 0; n < 4; n += 1) await (await visitor("127.0.0.9")).ask("/taken");
    for (let n = 0; n < 2; n += 1) await (await visitor("127.0.0.7")).ask("/taken");
    await (await visitor("127.0.0.9")).ask("/taken");
    expect(closed()).toEqual([false, false, false, false, true, false, false]);
    await until("the next is closed", (await visitor("127.0.0.2")).isClosed);
    expect(closed().slice(0, 7)).toEqual([false, false, false, false, true, false, false]);
  });

  test("a /48 of IPv6 with one connection in each of its /64s holds them all", async () => {
    const many = Array.from({ length: 4 }, (_, n) => [`127.0.0.${10 + n}`, `2001:db8:7:${n}::1`]);
    await open({ total: 6 }, Object.fromEntries(many));
    for (let n = 0; n < 2; n += 1) await (await visitor("127.0.0.7")).ask("/taken");
    for (const [address] of many) await (await visitor(address)).ask("/taken");
    await (await visitor("127.0.0.2")).ask("/taken");
    expect(closed()).toEqual([false, false, true, false, false, false, false]);
  });
});

test("a /48 of IPv6 holds ten times as much as an address, and at that its greediest /64 makes room", async () => {
  const seenAs = { "127.0.0.10": "2001:db8:7:1::1", "127.0.0.11": "2001:db8:7:2::1", "127.0.0.12": "2001:db8:7:3::1" };
  await open({ perAddress: 4, perBlock: 6 }, seenAs);
  for (let n = 0; n < 4; n += 1) await (await visitor("127.0.0.11")).ask("/taken");
  for (let n = 0; n < 2; n += 1) await (await visitor("127.0.0.10")).ask("/taken");
  await (await visitor("127.0.0.12")).ask("/taken");
  expect(closed()).toEqual([true, false, false, false, false, false, false]);
  expect(logged).toEqual([{ connections: 1, address: "2001:db8:7::/48", limit: 6 }]);
});

function connections(): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
