import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { capConnections } from "../../server/connections.ts";
import type { Logger } from "../../server/log.ts";
import { takeSocket } from "../../server/transports/bare-socket.ts";
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

async function open(caps: { perAddress?: number; total?: number; trustProxy?: string[] }): Promise<void> {
  server = createServer((request, response) => {
    if (request.url === "/quick") response.end("quick");
    else response.flushHeaders();
    // As a stream does it: Node's http has nothing to do with the connection from then on.
    if (request.url === "/taken") takeSocket(response);
  });
  const log = (fields: (typeof logged)[number]) => logged.push(fields);
  const shares = (address: string) => (address === "127.0.0.3" ? 2 : 1);
  const limits = { perAddress: 1000, total: 1000, trustProxy: [], shares, ...caps };
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
  test("a newcomer takes the place of the oldest idle connection, not of one with a request under way", async () => {
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

  test("a newcomer is refused where none is idle; others are not, and it has a place once one is free", async () => {
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

  test("what is closed is logged once a minute, with the address", async () => {
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

  test("newcomers are refused where none is idle, and those who are in are served", async () => {
    await open({ total: 5 });
    for (let n = 0; n < 5; n += 1) await (await visitor()).ask("/taken");
    const refused = await visitor("127.0.0.2");
    await until("it is closed", refused.isClosed);
    expect(closed()).toEqual([false, false, false, false, false, true]);
  });
});

function connections(): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
