import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { z } from "zod";
import * as keeping from "../../server/keeping-requests.ts";
import { Refusal } from "../../server/refusal.ts";
import * as requests from "../../server/requests.ts";
import { parse } from "../../server/wire.ts";
import { openSite, type TestSite } from "../support/app.ts";
import { type From, from } from "../support/visitor.ts";

const VALUES = [undefined, null, true, -1, 1e21, "", "\u0000", "x".repeat(5_000), [], [[1]], ["x", 1], {}, { a: 1 }];

const SCHEMAS = Object.entries<unknown>({ ...requests, ...keeping }).filter(
  (entry): entry is [string, z.ZodObject] => entry[1] instanceof z.ZodObject,
);

let site: TestSite;
let visitor: From;

beforeAll(async () => {
  site = await openSite();
  visitor = from((site.nodes[0] as TestSite["nodes"][0]).url, "127.0.0.1");
});

afterAll(async () => {
  visitor?.close();
  await site?.close();
});

test.each(SCHEMAS)("a value that %s cannot read is refused in words of the site's own", (_name, schema) => {
  for (const field of Object.keys(schema.shape))
    for (const value of VALUES)
      expect(`${field}: ${problemOf(schema, { [field]: value })}`).not.toMatch(/invalid|expected/i);
});

test.each([
  { call: "/api/poll", body: { room: "lobby", after: [["1"]] }, detail: "after: a text" },
  { call: "/api/poll", body: { room: [["lobby"]] }, detail: "room: a text" },
  { call: "/api/stream", body: {}, detail: "room: one to 8 of them" },
  { call: "/api/rooms/lobby/password", body: { password: null }, detail: "password: a string" },
])("$call refuses $body", async ({ call, body, detail }) => {
  expect(await visitor.post(call, body)).toMatchObject({ status: 400, body: { code: "malformed", detail } });
});

function problemOf(schema: z.ZodObject, value: object): string {
  try {
    parse(schema, value);
    return "";
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.message;
  }
}
