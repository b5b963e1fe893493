import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { connect } from "../../client/index.ts";
import { proxyFor } from "../../client/node/proxy.ts";
import { openWire } from "../networks/rig/wire.ts";
import { openSite, person, say, type TestSite } from "../support/app.ts";
import { openBadProxy } from "../support/bad-proxy.ts";
import { CERTIFICATE, KEY } from "../support/certificate.ts";
import { type ForwardProxy, openForwardProxy } from "../support/forward-proxy.ts";
import { until } from "../support/until.ts";

const INDEX = fileURLToPath(new URL("../../dist/client/index.js", import.meta.url));
const run = promisify(execFile);

let site: TestSite;
let url: string;
const ends: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  site = await openSite();
  url = site.nodes[0]?.url ?? "";
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(() => site.close());

describe("the package's connections in Node", () => {
  test("are two where only two are served, and the idle one is used again", async () => {
    let opened = 0;
    const count = () => {
      opened += 1;
    };
    const wire = await openWire(url, count, 2);
    ends.push(wire.close);
    const room = connect(wire.url, { room: "lobby", nickname: "Two" });
    ends.push(() => room.close());
    const heard: (string | undefined)[] = [];
    room.on("event", ({ text }) => heard.push(text));
    await room.ready;
    await until(
      "a stream is the feed",
      () => new Promise<boolean>((found) => room.on("state", (now) => found(now.transport === "stream"))),
    );
    const before = opened;
    for (let n = 0; n < 5; n += 1) await room.send(`message ${n}`);
    await until("all have come back", () => heard.length >= 5);
    expect(opened - before).toBeLessThanOrEqual(1);
  });

  test("are new ones after those that were open have died in silence", async () => {
    const proxy = await openBadProxy(url);
    ends.push(proxy.close);
    const room = connect(proxy.through(url), { room: "lobby", nickname: "Anew" });
    ends.push(() => room.close());
    const heard: (string | undefined)[] = [];
    room.on("event", ({ text }) => heard.push(text));
    await room.ready;
    await room.send("before");
    proxy.blackHole();
    await proxy.pass();
    const bob = await person(url, "Bob");
    await say(url, bob, "while it was dead");
    await room.send("after");
    await until("both have come", () => heard.includes("while it was dead") && heard.includes("after"));
  }, 30_000);

  test("follow a redirect of the site", async () => {
    const seen: string[] = [];
    const server = createServer(({ url: path = "" }, response) => {
      seen.push(path);
      response.writeHead(308, { Location: `${url}${path}` }).end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    ends.push(() => void server.close());
    const room = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      room: "lobby",
      nickname: "Moved",
    });
    ends.push(() => room.close());
    await room.ready;
    expect(await room.send("found it")).toMatchObject({ text: "found it" });
    expect(seen.length).toBeGreaterThan(0);
  });
});

describe("a forward proxy", () => {
  let proxy: ForwardProxy;
  const { env } = process;

  beforeAll(async () => {
    proxy = await openForwardProxy();
  });
  afterEach(() => {
    for (const name of ["HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"]) delete env[name];
  });
  afterAll(() => proxy.close());

  async function speak(text: string): Promise<number> {
    const before = proxy.asked.length;
    const room = connect(url, { room: "lobby", nickname: `N${text.length}` });
    ends.push(() => room.close());
    await room.ready;
    await room.send(text);
    return proxy.asked.length - before;
  }

  test("that HTTP_PROXY names gets whole URLs, and its user", async () => {
    env.HTTP_PROXY = proxy.url.replace("://", "://ann:se%40cret@");
    expect(await speak("by a proxy")).toBeGreaterThan(2);
    expect(proxy.asked[0]).toMatch(new RegExp(`^POST ${url}/api/session`));
    expect(new Set(proxy.users)).toEqual(new Set(["ann:se@cret"]));
  });

  test("is not asked for a site that NO_PROXY names", async () => {
    Object.assign(env, { HTTP_PROXY: proxy.url, NO_PROXY: "example.org, 127.0.0.0/8" });
    expect(await speak("without a proxy")).toBe(0);
  });

  test("that HTTPS_PROXY names tunnels to a site under TLS", async () => {
    const folder = mkdtempSync(join(tmpdir(), "chattera-tls-"));
    ends.push(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, "certificate.pem"), CERTIFICATE);
    writeFileSync(
      join(folder, "bot.mjs"),
      `import { connect } from ${JSON.stringify(INDEX)};
      const room = connect("https://site.test", { room: "lobby", nickname: "Tunnel" });
      await room.ready;
      console.log((await room.send("by a tunnel")).text);
      room.close();`,
    );
    const secure = await openSecure(url);
    ends.push(secure.close);
    proxy.leadTo(secure.port);
    const before = proxy.asked.length;
    const { stdout } = await run(process.execPath, [join(folder, "bot.mjs")], {
      timeout: 30_000,
      env: { HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: join(folder, "certificate.pem") },
    });
    expect(stdout).toBe("by a tunnel\n");
    expect(new Set(proxy.asked.slice(before))).toEqual(new Set(["CONNECT site.test:443"]));
  }, 40_000);

  test.each([
    ["http://chat.example.com", { http_proxy: "proxy:3128" }, "http://proxy:3128/"],
    ["https://chat.example.com", { http_proxy: "http://proxy" }, undefined],
    ["https://chat.example.com", { ALL_PROXY: "http://proxy" }, "http://proxy/"],
    ["https://chat.example.com", { HTTPS_PROXY: "http://proxy", no_proxy: "example.com" }, undefined],
    ["https://chat.example.com", { HTTPS_PROXY: "http://proxy", no_proxy: ".example.com" }, undefined],
    ["https://chat.example.com", { HTTPS_PROXY: "http://proxy", no_proxy: "ample.com" }, "http://proxy/"],
    ["https://chat.example.com", { HTTPS_PROXY: "http://proxy", no_proxy: "*" }, undefined],
    ["http://[::1]:3000", { HTTP_PROXY: "http://proxy", no_proxy: "::1" }, undefined],
    ["http://10.1.2.3", { HTTP_PROXY: "http://proxy", no_proxy: "10.0.0.0/8" }, undefined],
  ])("for %s with %j is %s", (address, variables, expected) => {
    expect(proxyFor(new URL(address), variables)?.href).toBe(expected);
  });
});

test("a caller's own fetch makes all requests", async () => {
  const asked: string[] = [];
  const own: typeof fetch = (input, init) => {
    asked.push(String(input));
    return fetch(input, { ...init, headers: { ...(init?.headers as object), "X-Bot": "mine" } });
  };
  const room = connect(url, { room: "lobby", nickname: "Own", fetch: own });
  await room.ready;
  await room.send("by my own fetch");
  await until("it streams", () => asked.some((one) => one.includes("/api/stream")));
  room.close();
  expect(asked.some((one) => one.includes("/messages"))).toBe(true);
});

test.each(["localhost:3000", "", "ftp://x", "not a URL"])("connect() throws a TypeError for %j", (address) => {
  expect(() => connect(address, { room: "lobby" })).toThrow(TypeError);
});

test("a handle is refused where something else answers 404 to everything", async () => {
  const other = createServer((_, response) => {
    response.writeHead(404).end("no such page");
  }).listen(0, "127.0.0.1");
  await once(other, "listening");
  ends.push(() => void other.close());
  const room = connect(`http://127.0.0.1:${(other.address() as AddressInfo).port}`, { room: "lobby" });
  const codes: string[] = [];
  room.on("refused", ({ code }) => codes.push(code));
  const unsent = room.send("hello").catch(({ code }: { code: string }) => code);
  await expect(room.ready).rejects.toMatchObject({ code: "no_site" });
  expect([await unsent, codes]).toEqual(["no_site", ["no_site"]]);
  room.close();
}, 40_000);

test("connect() ignores a query and a hash", async () => {
  const room = connect(`${url}/?x=1#y`, { room: "lobby" });
  await room.ready;
  room.close();
});

/** Opens a proxy that speaks TLS. */
async function openSecure(target: string): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createSecureServer({ cert: CERTIFICATE, key: KEY }, (asked, response) => {
    const { method = "GET", url: path = "", headers } = asked;
    const onward = request(target + path, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    asked.pipe(onward);
  });
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
