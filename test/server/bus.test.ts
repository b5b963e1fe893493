import { afterAll, beforeAll, describe } from "@jest/globals";
import { busContract } from "../contract/bus.ts";
import { openNode } from "../support/app.ts";
import { HAS_NATS, type Nats, openNats } from "../support/nats.ts";
import { endSites, startSite } from "../support/site-process.ts";

describe("nodes woken by PostgreSQL", () => {
  busContract({
    target: (databaseUrl) => databaseUrl,
    open: (databaseUrl, listenUrl) => openNode(databaseUrl, { listenUrl }),
  });
});

describe("workers woken by their primary", () => {
  afterAll(endSites);
  busContract({
    target: (databaseUrl) => databaseUrl,
    open: async (databaseUrl, listenUrl) => {
      const settings = { CHATTERA_LISTEN_URL: listenUrl, WORKERS: "2", LOG_LEVEL: "warn" };
      const { url, kill } = await startSite(databaseUrl, settings);
      return { url, close: async () => void (await kill("SIGTERM")) };
    },
  });
});

const withNats = HAS_NATS ? describe : describe.skip;

withNats("nodes woken by NATS", () => {
  let nats: Nats;
  beforeAll(async () => {
    nats = await openNats();
  });
  afterAll(() => nats.close());
  busContract({ target: () => nats.url, open: (databaseUrl, busUrl) => openNode(databaseUrl, { busUrl }) });
});
