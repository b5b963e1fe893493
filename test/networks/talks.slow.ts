import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pLimit from "p-limit";
import { endSites } from "../support/site-process.ts";
import { clientKind } from "./rig/client-person.ts";
import type { HostileNetwork } from "./rig/network.ts";
import { isHere, NETWORKS } from "./rig/networks.ts";
import { isChromiumHere, openPages } from "./rig/page-person.ts";
import type { Kind } from "./rig/person.ts";
import { openSites, type Sites } from "./rig/sites.ts";
import { type TalkOutcome, talk } from "./rig/talk.ts";

// Every network, with the client package and with pages: about twenty minutes, for a nightly run.

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

describe("with the client package", () => {
  everywhere(async () => ({ kind: clientKind, close: async () => undefined }), true);
});

describe("with pages in Chromium", () => {
  everywhere(
    openPages,
    isChromiumHere(),
    NETWORKS.filter(({ isForClients }) => !isForClients),
  );
});

/** Starts all talks at once, in a queue. Each test waits for its own talk. */
function everywhere(
  openKind: () => Promise<{ kind: Kind; close(): Promise<void> }>,
  isKindHere: boolean,
  networks = NETWORKS,
): void {
  const outcomes = new Map<string, Promise<TalkOutcome>>();
  let close = async () => {};
  const isPossible = (network: HostileNetwork) =>
    (isHere(network) && isKindHere) || process.env.TEST_REQUIRE_BROWSER !== undefined;

  beforeAll(async () => {
    const opened = isKindHere ? await openKind() : undefined;
    if (opened === undefined) return;
    close = opened.close;
    const limit = pLimit(AT_ONCE);
    for (const network of networks.filter(isPossible))
      outcomes.set(
        network.name,
        limit(() => through(network, opened.kind)),
      );
  }, 30_000);

  afterAll(async () => {
    await Promise.all(outcomes.values());
    await close();
  }, ALL_MS);

  for (const network of networks) {
    const { name, program } = network;
    if (isPossible(network)) test(name, async () => expect(await outcomes.get(name)).toMatchObject(SURVIVED), ALL_MS);
    else test.skip(`${name} (skipped: no ${isHere(network) ? "Chromium" : program})`, () => undefined);
  }
}

/** Lists the counts, so that a failure shows its cause. */
const SURVIVED: Partial<TalkOutcome> = { lost: 0, doubled: 0, reordered: 0, survived: true };

async function through(network: HostileNetwork, kind: Kind): Promise<TalkOutcome> {
  const site = await sites.behind(network);
  const outcome = await talk({ network, site, kind });
  await site.close();
  return outcome;
}
