import { expect, test } from "@jest/globals";
import { createRefusalPace } from "../../server/guard/refusal-pace.ts";
import { useSite } from "../support/use-site.ts";
import { from } from "../support/visitor.ts";

const site = useSite({ limits: true });

test("an address waits for refusals after its first 200, and no other address does", async () => {
  const pace = createRefusalPace();
  for (let n = 0; n < 200; n += 1) expect(pace("192.0.2.1")).toBeUndefined();
  const begunAt = performance.now();
  await Promise.all(Array.from({ length: 50 }, () => pace("192.0.2.1")));
  expect(performance.now() - begunAt).toBeGreaterThan(400);
  expect(pace("192.0.2.2")).toBeUndefined();
  expect(pace("2001:db8::1")).toBeUndefined();
});

test("clients that ask again at once are refused more and more slowly, and others as before", async () => {
  const flooding = from(site.url, "127.0.0.100");
  const begunAt = performance.now();
  let refused = 0;
  const again = async () => {
    while (refused < 400) {
      const { status } = await flooding.post("/api/operate/session", { secret: "a guess" });
      if (status === 429) refused += 1;
    }
  };
  await Promise.all(Array.from({ length: 50 }, again));
  // 200 at once, and then 100 a second.
  expect(performance.now() - begunAt).toBeGreaterThan(1_800);
  const answer = await from(site.url, "127.0.0.101").post("/api/operate/session", { secret: "a guess" });
  expect(answer.status).toBe(403);
}, 30_000);
