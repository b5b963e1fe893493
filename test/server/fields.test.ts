import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import Koa from "koa";
import request from "supertest";
import { FIELDS_MAX } from "../../protocol/limits.ts";
import { openSite, type TestSite } from "../support/app.ts";

let site: TestSite;
let url: string;

beforeAll(async () => {
  site = await openSite();
  url = (site.nodes[0] as { url: string }).url;
});

afterAll(() => site.close());

/** A healthz on another connection, sent just after a request, and how long it took. */
async function delayOfOthersMs(send: () => Promise<unknown>): Promise<number> {
  const sent = send();
  const startedAt = performance.now();
  await fetch(`${url}/healthz`);
  const tookMs = performance.now() - startedAt;
  await sent;
  return tookMs;
}

const FORM = "application/x-www-form-urlencoded";

function post(path: string, type: string, body: string) {
  return request(url).post(path).set("content-type", type).send(body);
}

describe("the number of fields", () => {
  test("a form of 32,000 repeated fields is refused at once, and delays nobody", async () => {
    const form = "a&".repeat(32_000);
    await post("/api/session", FORM, "a&").expect(400);
    const startedAt = performance.now();
    const { body } = await post("/api/session", FORM, form).expect(400);
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(body.code).toBe("malformed");
    expect(await delayOfOthersMs(async () => post("/nowhere", FORM, form))).toBeLessThan(100);
  });

  const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x${n}`, "1"]));

  test.each([
    ["a form", FORM, (count: number) => new URLSearchParams(members(count)).toString()],
    ["JSON", "application/json", (count: number) => JSON.stringify(members(count))],
    ["JSON as text", "text/plain", (count: number) => JSON.stringify(members(count))],
    ["a list in JSON", "application/json", (count: number) => JSON.stringify({ x: new Array(count).fill("1") })],
  ])("of %s is at most 50", async (_, type, body) => {
    await post("/api/session/end", type, body(FIELDS_MAX)).expect(200);
    const refused = await post("/api/session/end", type, body(FIELDS_MAX + 1)).expect(400);
    expect(refused.body).toMatchObject({ code: "malformed", detail: "at most 50 fields" });
  });

  test("of a body that a host app's parser has read is capped alike, and the body is an object", async () => {
    const statusFor = async (parsed: unknown) => {
      const host = new Koa();
      host.use((ctx, next) => {
        (ctx.request as { body?: unknown }).body = parsed;
        return next();
      });
      for (const middleware of site.nodes[0]?.app.middleware ?? []) host.use(middleware);
      return (await request(host.callback()).post("/api/session").send()).status;
    };
    expect(await statusFor({ nickname: "hosted" })).toBe(201);
    expect(await statusFor({ nickname: "hosted", ...members(FIELDS_MAX) })).toBe(400);
    expect(await statusFor("nickname=hosted")).toBe(400);
    expect(await statusFor([{ nickname: "hosted" }])).toBe(400);
  });

  test("a body deep in itself is read without delay", async () => {
    for (const body of ["[".repeat(65_000), '{"a":'.repeat(13_000), `{"a":${"[".repeat(32_000)}${"]".repeat(32_000)}}`])
      expect(await delayOfOthersMs(async () => post("/api/session", "application/json", body))).toBeLessThan(100);
  });
});

test("a body of several parts is none that is read here, whatever is in it", async () => {
  const parts = Buffer.from([0x2d, 0x2d, 0xff, 0xfe, 0x00]);
  const sent = request(url).post("/api/session").set("content-type", "multipart/form-data; boundary=x").send(parts);
  expect((await sent).status).toBe(415);
});
