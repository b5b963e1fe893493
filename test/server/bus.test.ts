import { afterAll, beforeAll, describe } from "@jest/globals";
import { busContract } from "../contract/bus.ts";
import { HAS_NATS, type Nats, openNats } from "../support/nats.ts";

describe("nodes woken by PostgreSQL", () => {
  busContract({ target: (databaseUrl) => databaseUrl, settings: (url) => ({ CHATTERA_LISTEN_URL: url }) });
});

const withNats = HAS_NATS ? describe : describe.skip;

withNats("nodes woken by NATS", () => {
  let nats: Nats;
  beforeAll(async () => {
    nats = await openNats();
  });
  afterAll(() => nats.close());
  busContract({ target: () => nats.url, settings: (url) => ({ BUS_URL: url }) });
});
