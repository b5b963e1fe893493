import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pLimit from "p-limit";
import { endSites } from "../support/site-process.ts";
import { clientKind } from "./rig/client-person.ts";
import type { Network } from "./rig/network.ts";
import { isHere, NETWORKS } from "./rig/networks.ts";
import { isChromiumHere, openPages } from "./rig/page-person.ts";
import type { Kind } from "./rig/person.ts";
import { openSites, type Sites } from "./rig/sites.ts";
import { type Outcome, talk } from "./rig/talk.ts";

// Every network, for people behind the client package and for people before a page: some twenty minutes. A night's work.

const AT_ONCE = 3;
const ALL_MS = 30 * 60_000;

let sites: Sites;

beforeAll(async () => {
  sites = await openSites();
}, 30_000);

afterAll(async () => {
  await sites.close();
  await endSites();
});

describe("behind the client package", () => {
  everywhere(async () => ({ kind: clientKind, close: async () => undefined }), true);
});

describe("before a page in Chromium", () => {
  everywhere(openPages, isChromiumHere());
});

/** All talks are begun at once and wait for their turn; each test waits for its own. */
function everywhere(openKind: () => Promise<{ kind: Kind; close(): Promise<void> }>, isKindHere: boolean): void {
  const outcomes = new Map<string, Promise<Outcome>>();
  let close = async () => {};
  const isPossible = (network: Network) =>
    (isHere(network) && isKindHere) || process.env.CHATTERA_REQUIRE_BROWSER !== undefined;

  beforeAll(async () => {
    const opened = isKindHere ? await openKind() : undefined;
    if (opened === undefined) return;
    close = opened.close;
    const limit = pLimit(AT_ONCE);
    for (const network of NETWORKS.filter(isPossible))
      outcomes.set(
        network.name,
        limit(() => through(network, opened.kind)),
      );
  }, 30_000);

  afterAll(async () => {
    await Promise.all(outcomes.values());
    await close();
  }, ALL_MS);

  for (const network of NETWORKS) {
    const { name, program } = network;
    if (isPossible(network)) test(name, async () => expect(await outcomes.get(name)).toMatchObject(SURVIVED), ALL_MS);
    else test.skip(`${name} (skipped: no ${isHere(network) ? "Chromium" : program})`, () => undefined);
  }
}

/** Written out, so that a failure shows what it was. */
const SURVIVED: Partial<Outcome> = { lost: 0, doubled: 0, reordered: 0, survived: true };

async function through(network: Network, kind: Kind): Promise<Outcome> {
  const site = await sites.behind(network);
  const outcome = await talk(network, site, kind);
  await site.close();
  return outcome;
}
