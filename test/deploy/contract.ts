import type { IncomingMessage } from "node:http";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { clientId } from "../support/app.ts";
import { createDatabase } from "../support/database.ts";
import { freePort } from "../support/free-port.ts";
import {
  type Behind,
  type DeployedProgram,
  isHere,
  PROGRAMS,
  type ReverseProxy,
  startProxy,
  testBehind,
} from "../support/reverse-proxy.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";
import { until } from "../support/until.ts";
import { hostOf, open, type Visit, type VisitAnswer, visit } from "../support/visit.ts";

/** A site of two nodes, as an operator runs it behind a proxy on the same machine. */
type Site = { databaseUrl: string; nodes: SiteProcess[]; close(): Promise<void> };

/**
 * The contract of every proxy in deploy/, tested with its real file in front of two real nodes, at
 * the root or under a base path.
 */
export function keepsTheDeployContract(base: Behind["base"]): void {
  let site: Site;
  const proxies = new Map<DeployedProgram, Promise<ReverseProxy>>();

  beforeAll(async () => {
    site = await openSite(base);
    // A proxy that does not start fails in its own tests.
    await Promise.allSettled(PROGRAMS.filter(isHere).map(visitor));
  }, 60_000);

  afterAll(async () => {
    for (const proxy of await Promise.allSettled(proxies.values()))
      if (proxy.status === "fulfilled") await proxy.value.close();
    await site?.close();
  }, 60_000);

  for (const program of PROGRAMS)
    describe(`behind ${program.name} with deploy/${program.file}${base && ` under ${base}`}`, () => {
      keepsPages(program, () => visitor(program));
      keepsEvents(program, () => visitor(program));
      keepsLeaving(program, async () => ({ ...(await visitor(program)), nodes: site.nodes }));
      keepsSecrets(program, () => visitor(program));
    });

  describe(`when nodes go${base && ` under ${base}`}`, () => {
    const programs = PROGRAMS.filter(isHere);
    const names = programs.map(({ name }) => name).join(", ");
    const some = programs.length > 0 ? test : test.skip;

    some(
      `the other one answers for one that is killed, and for one that is drained, behind ${names}`,
      async () => {
        const visitors = await Promise.all(programs.map(visitor));
        const [first, second] = site.nodes as [SiteProcess, SiteProcess];
        // Requests that a killed node was serving are lost. Later ones are not.
        await second.kill("SIGKILL");
        const refused = await refusedWhile(visitors, async () => undefined);
        expect(refused.filter((what) => what !== CADDY_7546)).toEqual([]);
        const again = await startSite(site.databaseUrl, { ...settingsOf(base), PORT: new URL(second.url).port });
        for (const each of visitors) await until(`${each.name} knows it is back`, () => isReached(each, again), 15_000);
        expect(await refusedWhile(visitors, () => first.kill("SIGTERM"))).toEqual([]);
      },
      90_000,
    );
  });

  /** Returns a visitor behind a program, which is started once. */
  async function visitor(program: DeployedProgram): Promise<Visitor> {
    const nodes = site.nodes.map(({ url }) => Number(new URL(url).port)) as [number, number];
    const proxy = proxies.get(program) ?? startProxy(program, { nodes, base });
    proxies.set(program, proxy);
    return visitorOf(program.name, await proxy, base);
  }
}

/**
 * Makes requests as each visitor until something is over, and some more. Returns the wrong answers.
 */
async function refusedWhile(visitors: Visitor[], during: () => Promise<unknown>): Promise<string[]> {
  let isOver = false;
  const refused: string[] = [];
  const asking = visitors.map(async ({ name, ask }) => {
    for (let more = 10; more > 0; more -= isOver ? 1 : 0) {
      const answers = { page: await ask("/rooms/lobby"), post: await ask("/api/poll", { json: POLL }) };
      for (const [what, { status }] of Object.entries(answers))
        if (status !== 200) refused.push(`${name}: ${what} ${status}`);
    }
  });
  await during();
  isOver = true;
  await Promise.all(asking);
  return refused;
}

/**
 * [caddyserver/caddy#7546, fixed in 2.11.2] A POST whose connection was refused is not retried at
 * another node.
 */
const CADDY_7546 = "Caddy: post 502";

const POLL = { room: "lobby", wait: 0 };

/** Do requests of this visitor reach this node? Two requests at the same time reach both nodes. */
async function isReached({ stream }: Visitor, node: SiteProcess): Promise<boolean> {
  const before = await readers([node], "sse");
  const streams = await Promise.all([stream("/api/events?room=lobby&ping=2"), stream("/api/events?room=lobby&ping=2")]);
  for (const each of streams) await each.sees("event: hello\n");
  const after = await readers([node], "sse");
  for (const each of streams) each.leave();
  return after > before;
}

/** Pages, forms, and the origins that may send them. */
function keepsPages(program: DeployedProgram, visitor: () => Promise<Visitor>): void {
  const behind = testBehind(program);

  behind("forms and links lead where the visitor sees the site", async () => {
    const { ask, base, host } = await visitor();
    const origin = { origin: `http://${host}` };
    const lobby = await ask("/");
    const links = [...lobby.text.matchAll(/ (?:href|src|action)="([^"]*)"/g)].map(([, link]) => link as string);
    expect(links.length).toBeGreaterThan(4);
    expect(links.filter((link) => !link.startsWith(`${base}/`))).toEqual([]);
    const form = { nickname: `Formal ${program.name}`, room: "lobby", form_token: fieldOf(lobby, "form_token") };
    const entered = await ask("/", { form, headers: origin });
    expect([entered.status, entered.headers.location]).toEqual([303, `${base}/rooms/lobby`]);
    const [cookie] = entered.headers["set-cookie"] as string[];
    expect(cookie).toContain(`; path=${base || "/"};`);
    const headers = { ...origin, cookie: cookie?.split(";")[0] as string };
    const room = await ask("/rooms/lobby", { headers });
    const message = { text: "by form", id: fieldOf(room, "id"), form_token: fieldOf(room, "form_token") };
    const said = await ask("/rooms/lobby", { headers, form: message });
    expect([said.status, said.headers.location]).toEqual([303, `${base}/rooms/lobby`]);
    expect((await ask("/rooms/lobby")).text).toContain("by form");
    await ask("/rooms/lobby", { headers, form: { leave: "1", form_token: message.form_token } });
  });

  behind("the site is at its base path only, also without the slash behind it", async () => {
    const { base, proxy } = await visitor();
    expect([200, 301, 302, 307, 308]).toContain((await visit(proxy, base || "/")).status);
    if (base) expect((await visit(proxy, "/rooms/lobby")).text).not.toContain("chattera");
  });

  behind("our own pages may speak by the cookie and another site's may not, whatever host it pretends", async () => {
    const { host, enter, say } = await visitor();
    const cookie = await enter(`Cookie ${program.name}`);
    expect((await say("ours", { cookie, origin: `http://${host}` })).status).toBe(201);
    for (const pretended of [{}, { "x-forwarded-host": "evil.example" }, { forwarded: "host=evil.example" }])
      expect((await say("theirs", { cookie, origin: "http://evil.example", ...pretended })).status).toBe(403);
  });

  behind("script and style come compressed once", async () => {
    const { ask, proxy } = await visitor();
    const assets = [...(await ask("/")).text.matchAll(/(?:src|href)="([^"]*\/assets\/[^"]+[.](?:js|css|svg))"/g)];
    expect(assets.length).toBeGreaterThanOrEqual(3);
    for (const [, path] of assets) {
      const gzip = await visit(proxy, path as string, { headers: { "accept-encoding": "gzip" } });
      const plain = await visit(proxy, path as string, { headers: { "accept-encoding": "identity" } });
      expect([gzip.headers["content-encoding"], plain.headers["content-encoding"]]).toEqual(["gzip", undefined]);
      expect(gunzipSync(gzip.bytes)).toEqual(plain.bytes);
    }
  });
}

/** The streams by which scripts read, and how their first two frames begin. */
const STREAMS = [
  { path: "/api/events", type: "text/event-stream", hello: "event: hello\n", ping: "event: ping\n" },
  { path: "/api/stream", type: "application/octet-stream", hello: "event: hello\n", ping: "event: ping\n" },
  { path: "/api/frame", type: "text/html", hello: '("hello",', ping: '("ping",' },
];

/** Messages: sending and reading. */
function keepsEvents(program: DeployedProgram, visitor: () => Promise<Visitor>): void {
  const behind = testBehind(program);

  for (const { path, type, hello, ping } of STREAMS)
    behind(`the frames of ${path} come one by one, when they are sent, and uncompressed`, async () => {
      const { stream } = await visitor();
      const askedAt = performance.now();
      const reader = await stream(`${path};room=lobby;ping=2;callback=f`);
      expect(reader.head.headers["content-type"]).toContain(type);
      expect(reader.head.headers["content-encoding"]).toBeUndefined();
      const helloAt = await reader.sees(hello);
      const pingAt = await reader.sees(ping);
      reader.leave();
      // The ping is due half a second after the request; hello is due as soon as the position is
      // known. A proxy that holds them back would deliver both at once.
      expect(pingAt - helloAt).toBeGreaterThanOrEqual(100);
      expect(pingAt - askedAt).toBeLessThan(3_000);
    });

  behind("the page without script grows with what is said", async () => {
    const { host, stream, enter, say } = await visitor();
    const cookie = await enter(`Grower ${program.name}`);
    const page = await stream("/rooms/lobby/live");
    await page.sees('class="text"');
    const text = `grown behind ${program.name}`;
    expect((await say(text, { cookie, origin: `http://${host}` })).status).toBe(201);
    await page.sees(text);
    page.leave();
  });

  behind("a message of 2000 Japanese letters said through it reaches a stream and a poll through it", async () => {
    const { host, stream, ask, enter, say } = await visitor();
    const cookie = await enter(`Writer ${program.name}`);
    const { cursor } = JSON.parse((await ask("/api/rooms/lobby")).text);
    const reader = await stream(`/api/events?room=lobby&ping=2&after=${cursor}`);
    await reader.sees("event: hello\n");
    const poll = ask(`/api/poll?room=lobby&wait=10&after=${cursor}`);
    const text = "長い発言".repeat(500);
    expect((await say(text, { cookie, origin: `http://${host}` })).status).toBe(201);
    await reader.sees(`"text":"${text}"`);
    reader.leave();
    expect(JSON.parse((await poll).text).events.length).toBeGreaterThan(0);
    // The first answer may contain only the event that the writer has entered.
    await until("a poll brings it", async () =>
      (await ask(`/api/poll?room=lobby&wait=0&after=${cursor}`)).text.includes(text),
    );
  });

  behind("a poll is held as long as it asks", async () => {
    const { ask } = await visitor();
    const askedAt = performance.now();
    const poll = await ask("/api/poll?room=quiet&wait=2&n=held");
    expect(performance.now() - askedAt).toBeGreaterThan(1_900);
    expect(JSON.parse(poll.text)).toMatchObject({ chattera: 1, n: "held", events: [] });
  });

  behind("parameters in the path arrive as they were sent", async () => {
    const { ask, base, enter } = await visitor();
    const poll = await ask("/api/poll;room=lobby;wait=0;n=in-the-path");
    expect(JSON.parse(poll.text)).toMatchObject({ chattera: 1, n: "in-the-path" });
    const token = (await enter(`Pathfinder ${program.name}`)).replace(/^[^=]*=/, "");
    const params = [`id=${clientId()}`, `token=${token}`];
    const path = `/api/rooms/lobby/say;${params.join(";")};text=`;
    const said = await ask(`${path}${encodeURIComponent("a;b=c?d 夜")}`);
    expect([said.status, JSON.parse(said.text).event?.text]).toEqual([201, "a;b=c?d 夜"]);
    const rest = 2000 - path.length - base.length;
    const long = await ask(`/api/rooms/lobby/say;id=${clientId()};token=${token};text=${"x".repeat(rest)}`);
    expect(long.status).toBe(201);
  });
}

/** Readers that disconnect. */
function keepsLeaving(program: DeployedProgram, visitor: () => Promise<Visitor & { nodes: SiteProcess[] }>): void {
  const behind = testBehind(program);

  behind("a reader who disconnects is removed by the nodes", async () => {
    const { stream, nodes } = await visitor();
    await until("nobody reads", async () => (await readers(nodes, "sse")) === 0, 10_000);
    const reader = await stream("/api/events?room=lobby&ping=2");
    await reader.sees("event: hello\n");
    await until("one reads", async () => (await readers(nodes, "sse")) === 1);
    reader.leave();
    await until("nobody reads any more", async () => (await readers(nodes, "sse")) === 0, 10_000);
  });

  const held = program.dropsPolls ? "ends when its client disconnects" : "is held to its end";
  behind(`a poll ${held}`, async () => {
    const { ask, nodes } = await visitor();
    const gone = new AbortController();
    const askedAt = performance.now();
    const poll = ask("/api/poll?room=quiet&wait=4", { signal: gone.signal });
    await until("it is held", async () => (await readers(nodes, "poll")) === 1);
    const leftAt = performance.now();
    gone.abort();
    await expect(poll).rejects.toThrow("abort");
    await until("it is let go", async () => (await readers(nodes, "poll")) === 0, 10_000);
    if (program.dropsPolls) expect(performance.now() - leftAt).toBeLessThan(2_500);
    else expect(performance.now() - askedAt).toBeGreaterThan(3_900);
  });
}

/** Addresses, figures, tokens. */
function keepsSecrets(program: DeployedProgram, visitor: () => Promise<Visitor>): void {
  const behind = testBehind(program);

  behind("visitors are distinguished by their addresses, and nobody can fake one", async () => {
    const { ask, base, proxy } = await visitor();
    // Each program has two visitors of its own. A node allows 30 tries at once and one in two
    // seconds per address, and there are two nodes: 60 of the 120 tries, and one for each second
    // that they take.
    const [one, other] = [`127.0.${PROGRAMS.indexOf(program) + 1}.1`, `127.0.${PROGRAMS.indexOf(program) + 1}.2`];
    const tryFrom = async (from: string, headers: { [name: string]: string } = {}) =>
      (await ask("/api/rooms", { json: { slug: "lobby" }, from, headers })).status;
    const statuses: number[] = [];
    const startedAt = performance.now();
    for (let n = 0; n < 120; n += 1)
      statuses.push(await tryFrom(one, { "x-forwarded-for": `203.0.113.${n}`, forwarded: `for=203.0.113.${n}` }));
    expect(statuses[0]).toBe(409);
    const refilled = Math.ceil((performance.now() - startedAt) / 1000);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(60 - refilled);
    expect(await tryFrom(other)).toBe(409);
    const session = await visit(proxy, `${base}/api/session`, {
      json: { nickname: "Insecure" },
      headers: { "x-forwarded-proto": "https" },
    });
    expect(session.status).toBe(201);
    expect(session.headers["set-cookie"]?.[0]).not.toContain("secure");
  });

  behind("the figures for operators are not for visitors, however they are spelled", async () => {
    const { ask } = await visitor();
    for (const path of [
      "/metrics",
      "/metrics/",
      "/metrics;x=1",
      "/metrics?x=1",
      "/METRICS",
      "/%6Detrics",
      "//metrics",
    ]) {
      const { status, text } = await ask(path);
      expect([path, status >= 400, text.includes("chattera_readers")]).toEqual([path, true, false]);
    }
  });

  behind("what it logs has no token and no message in it", async () => {
    const { ask, proxy } = await visitor();
    const path = `/api/rooms/lobby/say;token=TOKEN-${clientId()};text=SECRET`;
    for (const end of ["", "?token=TOKEN&text=SECRET"]) expect((await ask(path + end)).status).toBe(401);
    if (LOGS.includes(program.name)) await until("it logs the request", () => proxy.log().includes("/rooms/lobby/say"));
    expect(proxy.log()).not.toMatch(/TOKEN|SECRET/);
  });
}

/** The programs whose files in deploy/ log requests. */
const LOGS = ["nginx", "HAProxy", "Apache"];

/** The actions of a visitor to a site behind a proxy. Paths are without the base path. */
type Visitor = {
  /** The port of the proxy. */
  name: string;
  proxy: ReverseProxy;
  base: string;
  host: string;
  ask(path: string, how?: Visit): Promise<VisitAnswer>;
  stream(path: string): Promise<Reader>;
  /** Opens a session under a nickname. Returns its cookie. */
  enter(nickname: string): Promise<string>;
  /** Posts a message as JSON. */
  say(text: string, headers: { [name: string]: string }): Promise<VisitAnswer>;
};

/** A stream that is being read. */
type Reader = {
  head: IncomingMessage;
  /** Waits for a text. Resolves with the time of its arrival. */
  sees(text: string): Promise<number>;
  leave(): void;
};

function visitorOf(name: string, proxy: ReverseProxy, base: string): Visitor {
  const host = hostOf(proxy);
  const ask: Visitor["ask"] = (path, how) => visit(proxy, base + path, how);
  return {
    name,
    proxy,
    base,
    host,
    ask,
    stream: async (path) =>
      readerOf(await open(proxy, base + path, { headers: { "accept-encoding": "gzip, br", accept: "*/*" } })),
    enter: async (nickname) => {
      const { status, headers } = await ask("/api/session", { json: { nickname } });
      expect(status).toBe(201);
      return headers["set-cookie"]?.[0]?.split(";")[0] as string;
    },
    say: (text, headers) => ask("/api/rooms/lobby/messages", { json: { id: clientId(), text }, headers }),
  };
}

function readerOf(head: IncomingMessage): Reader {
  const parts: { text: string; at: number }[] = [];
  head.setEncoding("utf8").on("data", (text: string) => parts.push({ text, at: performance.now() }));
  // Leaving cancels it.
  head.on("error", () => undefined);
  return {
    head,
    sees: (text) =>
      until(`the stream brings ${text.slice(0, 40)}`, () => {
        let all = "";
        for (const part of parts) {
          all += part.text;
          if (all.includes(text)) return part.at;
        }
        return undefined;
      }),
    leave: () => head.destroy(),
  };
}

function fieldOf(page: VisitAnswer, name: string): string {
  return new RegExp(`name="${name}" value="([^"]*)"`).exec(page.text)?.[1] ?? "";
}

/** Returns the number of connections by a transport, on all nodes, from their own metrics. */
async function readers(nodes: SiteProcess[], transport: "sse" | "poll"): Promise<number> {
  let sum = 0;
  for (const { url } of nodes) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    sum += Number(new RegExp(`^chattera_readers\\{transport="${transport}"\\} (\\d+)$`, "m").exec(metrics)?.[1] ?? 0);
  }
  return sum;
}

async function openSite(base: string): Promise<Site> {
  const database = await createDatabase();
  const settings = async () => ({ ...settingsOf(base), PORT: String(await freePort()) });
  const nodes = await Promise.all([1, 2].map(async () => startSite(database.url, await settings())));
  // An empty room. In the lobby, members who are gone leave, and that answers polls.
  const quiet = { method: "POST", headers: { "content-type": "application/json" }, body: '{"slug":"quiet"}' };
  expect((await fetch(`${nodes[0]?.url}/api/rooms`, quiet)).status).toBe(201);
  const close = async () => {
    await endSites();
    await database.drop();
  };
  return { databaseUrl: database.url, nodes, close };
}

const settingsOf = (base: string) => ({ BASE_PATH: base, TRUST_PROXY: "loopback", CHATTERA_LIMITS: "on" });
