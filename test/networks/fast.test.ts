import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pLimit from "p-limit";
import { endSites } from "../support/site-process.ts";
import { clientKind } from "./rig/client-person.ts";
import type { Network } from "./rig/network.ts";
import { NETWORKS } from "./rig/networks.ts";
import { openSites, type Sites } from "./rig/sites.ts";
import { type Outcome, type Pace, talk } from "./rig/talk.ts";

// One network of each way to go wrong; all of them, and whole browsers, in talks.slow.ts.
const NAMES = [
  "holds whole answers",
  "holds 4 KB blocks",
  "one piece late",
  "cuts after 5 s",
  "resets",
  "strips all of these",
  "office, no JSON",
  "office, no POST, 403",
  "streams as pages",
  "now and then any",
  "caches without the query",
  "repeats POSTs",
  "login page for 5 s",
  "refuses for 5 s",
];

/** No silence: what dies of one has its place among the slow ones. */
const BRIEFLY: Pace = { remarks: 12, overMs: 6_000, silenceMs: 0, thenRemarks: 8, thenOverMs: 2_000 };

/**
 * Where two seconds are due, several talks at once on a busy machine take more; what was lost on the way and found by a
 * slow timer takes longer than this. The time itself is measured by `npm run networks`.
 */
const LATE_MS = 15_000;

/** Each talk takes nine seconds, of which a core is busy for one. */
const AT_ONCE = 5;

let sites: Sites;
const outcomes = new Map<string, Promise<Outcome>>();

beforeAll(async () => {
  sites = await openSites();
  const limit = pLimit(AT_ONCE);
  for (const name of NAMES)
    outcomes.set(
      name,
      limit(() => through(named(name))),
    );
}, 30_000);

afterAll(async () => {
  await Promise.all(outcomes.values());
  await sites.close();
  await endSites();
});

test.each(NAMES)(
  "%s: two readers see every message once, in order, soon",
  async (name) => {
    const outcome = (await outcomes.get(name)) as Outcome;
    expect(outcome).toMatchObject({ lost: 0, doubled: 0, reordered: 0 });
    expect(outcome.failure).toBeUndefined();
    expect(outcome.maxMs - outcome.besideMs).toBeLessThan(LATE_MS);
  },
  90_000,
);

function named(name: string): Network {
  const network = NETWORKS.find((one) => one.name === name);
  if (network === undefined) throw new Error(`no network is called ${name}`);
  return network;
}

async function through(network: Network): Promise<Outcome> {
  const site = await sites.behind(network);
  const outcome = await talk(network, site, clientKind, BRIEFLY);
  await site.close();
  return outcome;
}
