import { expect, test } from "@jest/globals";
import request from "supertest";
import { useSite } from "../support/use-site.ts";

const site = useSite({ limits: true });

test("one address can neither search nor download without end", async () => {
  const search = () => request(site.url).get("/api/rooms/lobby/search?text=x");
  const searches = await Promise.all(Array.from({ length: 80 }, search));
  const refused = searches.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.body).toMatchObject({ code: "too_many" });
  expect(refused[0]?.headers["retry-after"]).toBeDefined();
  const files = [];
  for (let n = 0; n < 25; n += 1) files.push(await request(site.url).get("/rooms/lobby/log.txt"));
  expect(files[0]?.status).toBe(200);
  expect(files.at(-1)?.status).toBe(429);
});
