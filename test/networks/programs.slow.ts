import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { until } from "../support/until.ts";
import type { HostileNetwork, Running } from "./rig/network.ts";
import { isHere, NETWORKS } from "./rig/networks.ts";
import { openSource, type Received, receive, type TestSource } from "./rig/source.ts";

// Verifies that the real programs misbehave as their networks promise, as rig.test.ts does for the
// proxies of this project.

const HOLDING = [
  "nginx: buffering",
  "nginx: big buffers",
  "nginx: gzip, buffering",
  "nginx: cache",
  "Varnish: no streaming",
  "Varnish: gzip",
  "Caddy: encode all",
  "Privoxy: Debian's defaults",
  "Privoxy: all filters",
];
const IMPATIENT = [
  "nginx: 8 s timeouts",
  "HAProxy: 5 s timeouts",
  "HAProxy: closing",
  "Apache: deflate, 8 s",
  "Varnish: 8 s timeouts",
  "squid: short lifetimes",
  "tinyproxy: 8 s timeout",
];
const COMPRESSING = ["nginx: gzip", "Apache: deflate"];
const CACHING = ["nginx: cache", "Apache: cache", "squid: caching"];

let source: TestSource;
const open: Running[] = [];

beforeAll(async () => {
  source = await openSource();
});

afterAll(async () => {
  for (const { close } of open) await close();
  await source.close();
});

/**
 * Skips a test if its program is missing and says so in its name, unless nothing may be missing.
 */
function each(title: string, names: string[], work: (name: string) => Promise<void>): void {
  for (const name of names) {
    const isSkipped = !isHere(named(name)) && !process.env.TEST_REQUIRE_BROWSER;
    if (isSkipped) test.skip(`${name}: ${title} (skipped: no ${named(name).program})`, () => undefined);
    else test(`${name}: ${title}`, () => work(name), 30_000);
  }
}

function named(name: string): HostileNetwork {
  const network = NETWORKS.find((one) => one.name === name);
  if (network === undefined) throw new Error(`there is no network named ${name}`);
  return network;
}

async function behind(name: string): Promise<string> {
  const running = await named(name).start({ url: source.url, killAndRestart: async () => undefined });
  open.push(running);
  return running.url;
}

/**
 * A stream of which three small frames have been written, and others have gone there and back
 * meanwhile.
 */
async function streamed(url: string): Promise<{ received: Received; end(): void }> {
  const received = receive(`${url}/stream`, { "accept-encoding": "gzip" });
  const stream = await source.stream();
  for (let n = 0; n < 3; n += 1) {
    stream.write(`data: ${n}\n\n`);
    await (await fetch(`${url}/echo/${n}`)).text();
  }
  return { received, end: () => void stream.end() };
}

describe("an event stream", () => {
  each("shows nothing before it ends", HOLDING, async (name) => {
    const { received, end } = await streamed(await behind(name));
    expect(received.text).toBe("");
    end();
    await until("it is there", () => received.text !== "" && received.end === "whole");
  });

  each("is compressed, and passes", COMPRESSING, async (name) => {
    const { received, end } = await streamed(await behind(name));
    await until("something is there", () => received.text !== "");
    expect(received.headers["content-encoding"]).toBe("gzip");
    end();
  });

  each("is refused", ["squid: no event streams"], async (name) => {
    const received = receive(`${await behind(name)}/stream`);
    (await source.stream()).end("data: 1\n\n");
    await until("it is there", () => received.status === 403);
  });
});

describe("silence", () => {
  test("is ended by those with a short timeout, before an answer and in it", async () => {
    const names = IMPATIENT.filter((name) => isHere(named(name)));
    const ends = await Promise.all(
      names.map(async (name) => {
        const url = await behind(name);
        const silent = receive(`${url}/silent`);
        const stream = receive(`${url}/stream`);
        const begun = performance.now();
        (await source.stream()).write("data: 1\n\n");
        const both = () => silent.end !== undefined && stream.end !== undefined;
        await until(`${name} ends both`, both, 20_000);
        return { name, afterMs: performance.now() - begun };
      }),
    );
    for (const { afterMs } of ends) expect(afterMs).toBeGreaterThan(4_000);
    expect(ends.map(({ name }) => name)).toEqual(names);
  }, 60_000);
});

describe("an answer to GET", () => {
  each("is given again in spite of no-store", CACHING, async (name) => {
    const url = `${await behind(name)}/echo?a=b`;
    const number = async () => ((await (await fetch(url)).json()) as { number: number }).number;
    const first = await number();
    expect(await number()).toBe(first);
  });

  each("is 503 when too many come at once", ["nginx: few requests"], async (name) => {
    const url = await behind(name);
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => (await fetch(`${url}/echo/${n}`)).status),
    );
    expect(statuses).toContain(503);
  });
});
