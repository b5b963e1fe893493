import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pLimit from "p-limit";
import { endSites } from "../support/site-process.ts";
import { clientKind } from "./rig/client-person.ts";
import type { HostileNetwork } from "./rig/network.ts";
import { NETWORKS } from "./rig/networks.ts";
import { openSites, type Sites } from "./rig/sites.ts";
import { type Pace, type TalkOutcome, talk } from "./rig/talk.ts";

// One network for each kind of fault. talks.slow.ts tests all of them, and whole browsers.
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
  "no path parameters",
  "encodes paths",
  "login page for 5 s",
  "refuses for 5 s",
];

/** Without a silence: faults that need one belong to the slow tests. */
const BRIEFLY: Pace = { messages: 12, overMs: 6_000, silenceMs: 0, thenMessages: 8, thenOverMs: 2_000 };

/**
 * Several talks at once on a busy machine exceed the promised two seconds. A message that was lost
 * and found by a slow timer exceeds this. The exact times are measured by `npm run networks`.
 */
const LATE_MS = 15_000;

/** Each talk takes nine seconds and one second of CPU. */
const AT_ONCE = 5;

let sites: Sites;
const outcomes = new Map<string, Promise<TalkOutcome>>();

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
    const outcome = (await outcomes.get(name)) as TalkOutcome;
    expect(outcome).toMatchObject({ lost: 0, doubled: 0, reordered: 0 });
    expect(outcome.failure).toBeUndefined();
    expect(outcome.maxMs - outcome.directMs).toBeLessThan(LATE_MS);
  },
  90_000,
);

function named(name: string): HostileNetwork {
  const network = NETWORKS.find((one) => one.name === name);
  if (network === undefined) throw new Error(`there is no network named ${name}`);
  return network;
}

async function through(network: HostileNetwork): Promise<TalkOutcome> {
  const site = await sites.behind(network);
  const outcome = await talk({ network, site, kind: clientKind, pace: BRIEFLY });
  await site.close();
  return outcome;
}
