import { expect, test } from "@jest/globals";
import { steady } from "../../bench/scenarios.ts";
import { start } from "../../bench/systems/chattera.ts";

const FEW = { rooms: 2, readersPerRoom: 10, membersPerRoom: 10, core: undefined };

test.each([
  { client: "page", transport: "stream" },
  { client: "page", transport: "poll" },
  { client: "npm", transport: "stream" },
  { client: "npm", transport: "poll" },
] as const)(
  "the bench finds every delivery to the $client client by $transport once and in order",
  async (play) => {
    const short = { seconds: 1, warmSeconds: 1, isTyping: true };
    const result = await steady(
      { scenario: "smoke", start: (options) => start({ ...options, ...play }), system: FEW, rate: 20 },
      short,
    );
    expect(result).toMatchObject({ ...play, lost: 0, doubled: 0, reordered: 0 });
    // Refused messages and failed requests would be reported.
    expect(result.note).toBeUndefined();
    // 20 messages in two rooms of ten readers.
    expect((result.thousandsPerSecond as number) * 1000).toBeGreaterThan(0);
    expect(result.curve?.length).toBeGreaterThan(0);
  },
  60_000,
);
