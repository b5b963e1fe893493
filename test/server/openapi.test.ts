import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, jest, test } from "@jest/globals";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { transform } from "esbuild";
import { generateSource } from "oazapfts";
import request from "supertest";
import { z } from "zod";
import type { Operation } from "../../server/api-call.ts";
import { KEEPING_OPERATIONS, OPERATOR_OPERATIONS } from "../../server/api-keeping-operations.ts";
import { OPERATIONS } from "../../server/api-operations.ts";
import { siteRoutes } from "../../server/app.ts";
import { REFUSALS } from "../../server/refusal.ts";
import { openNode, person, say } from "../support/app.ts";
import { OPERATOR_SECRET, operator } from "../support/operator.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite({ operatorSecret: OPERATOR_SECRET });
const FILE = new URL("../../docs/openapi.json", import.meta.url);

test("/api/openapi.json is docs/openapi.json, with the site's base path", async () => {
  const { body, headers } = await request(site.url).get("/api/openapi.json").expect(200);
  expect(headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(body).toEqual(JSON.parse(readFileSync(FILE, "utf8")));
  const below = await openNode(site.databaseUrl, { basePath: "/chat" });
  const { servers } = (await request(below.url).get("/chat/api/openapi.json").expect(200)).body;
  expect(servers).toEqual([{ url: "/chat" }]);
  await below.close();
});

test("it has no errors by the recommended rules of Redocly", async () => {
  const config = await createConfig({ extends: ["recommended"] });
  const problems = await lintFromString({ source: readFileSync(FILE, "utf8"), config, absoluteRef: FILE.pathname });
  expect(problems.map(({ ruleId, message, severity }) => `${severity} ${ruleId}: ${message}`)).toEqual([]);
});

/** The document's calls, as `get /api/rooms/{room}`. */
function describedCalls(): string[] {
  const { paths } = JSON.parse(readFileSync(FILE, "utf8")) as { paths: { [path: string]: object } };
  return Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
}

test("it has each call of the router, and nothing else", () => {
  const calls = siteRoutes(site.node.app.site)
    .flatMap(({ method, path }) => [path].flat().map((one) => ({ method, path: one })))
    // The doctor's own page alone uses its calls. A document does not describe itself.
    .filter(({ path }) => /^\/api\/(?!doctor\/|openapi)/.test(path))
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, "{$1}")}`);
  expect(describedCalls().sort()).toEqual([...new Set(calls)].sort());
  expect(calls.length).toBeGreaterThan(60);
});

test("it has each call that docs/protocol.md lists", () => {
  const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| (`(?:GET|POST)[^|]*?) \|/gm)].map(([, row = ""]) => row);
  const listed = rows.flatMap((row) => {
    const methods = [...row.matchAll(/\b(GET|POST)\b/g)].map(([, method = ""]) => method.toLowerCase());
    const paths = [...row.matchAll(/(?<=[` ])\/api\/[\w/:.-]+/g)].map(([path]) => path.replace(/:(\w+)/g, "{$1}"));
    return paths.flatMap((path) => methods.map((method) => `${method} ${path.replace(/[/.]+$/, "")}`));
  });
  expect(listed.length).toBeGreaterThan(40);
  const known = new Set(describedCalls());
  expect(listed.filter((call) => !known.has(call) && !/doctor|openapi/.test(call))).toEqual([]);
});

test("each refusal is a union of the codes of its status", () => {
  const { components } = JSON.parse(readFileSync(FILE, "utf8"));
  const codes = Object.entries(REFUSALS).filter(([, { status }]) => status === 409);
  expect(components.schemas.Problem409.properties.code.enum).toEqual(codes.map(([code]) => code));
  expect(components.schemas.Problem409.properties.status.const).toBe(409);
});

/** The parameters with which a call is asked. */
const ASKED: { [id: string]: { query?: object; body?: object; room?: string; status?: number } } = {
  openSession: { body: { nickname: "Other" } },
  createRoom: { body: { slug: "described", title: "Described" } },
  rename: { body: { nickname: "Olga" } },
  renameByGet: { query: { nickname: "Olga" } },
  sendMessages: { body: { id: "described-1", text: "hello" } },
  say: { query: { id: "described-2", text: "hello" } },
  editMessage: { body: { text: "hello there" } },
  editMessageByGet: { query: { text: "hello again" } },
  whisper: { body: { id: "described-3", text: "/w Ann hi" } },
  whisperByGet: { query: { id: "described-4", text: "/w Ann hi" } },
  search: { query: { text: "hello" } },
  poll: { query: { room: "kept", wait: 0 } },
  pollByPost: { body: { room: ["kept"], wait: 0 } },
  pollRoom: { query: { wait: 0 } },
  readDurable: { query: { offset: "-1" } },
  confirmStream: { query: { stream: "a-nonce" } },
  confirmStreamByPost: { body: { stream: "a-nonce" } },
  changeSettings: { body: { slowSeconds: 0, keepDays: null, mayRead: "everyone", description: "Tea" } },
  giveRole: { body: { member: "someone", role: "approved" } },
  typePassword: { body: { password: "tea time" } },
  report: { body: { seq: 2, reason: "noise" } },
  ban: { body: { member: "someone", act: "silence", minutes: 5 } },
  makeWebhook: { body: { name: "CI" } },
  countBanHits: { query: { member: "someone" } },
};

/** Calls that need something that only a call before has, and streams. Other tests have them. */
const NOT_ASKED =
  /^(endSession|claimRoom|eraseMessages|liftBan|resolveReport|stream\w+|eraseMessage(ByGet)?|leaveRoom|revokeWebhook|notify)$/;

test("what the server answers to each call has the form that the document promises", async () => {
  const ann = await person(site.url, "Ann");
  const { body: opened } = await request(site.url).post("/api/session").send({ nickname: "Olga" });
  const token = `Bearer ${opened.token}`;
  await request(site.url).post("/api/rooms").set("authorization", token).send({ slug: "kept" }).expect(201);
  await say(site.url, ann, { text: "hi", room: "kept" });
  await request(site.url)
    .post("/api/rooms/kept/messages")
    .set("authorization", token)
    .send({ id: "described-0", text: "x" });
  const seq = (await request(site.url).get("/api/rooms/kept/messages")).body.events.at(-1).seq;
  const wrong: string[] = [];
  const asked = [...OPERATIONS, ...KEEPING_OPERATIONS].filter(({ id }) => !NOT_ASKED.test(id));
  for (const { id, method, path, answers } of asked) {
    const url = path.replace(":room", "kept").replace(":seq", String(seq));
    const { query = {}, body = {} } = ASKED[id] ?? {};
    const sending = method === "get" ? request(site.url).get(url).query(query) : request(site.url).post(url).send(body);
    const answer = await sending.set("authorization", token).set("cookie", "");
    const schema = answers[answer.status];
    if (schema === undefined || typeof schema === "string")
      wrong.push(`${id}: ${answer.status} ${JSON.stringify(answer.body)}`);
    else if (!schema.safeParse(answer.body).success)
      wrong.push(`${id}: ${schema.safeParse(answer.body).error} ${JSON.stringify(answer.body)}`);
  }
  expect(wrong).toEqual([]);
  expect(asked.length).toBeGreaterThan(40);
}, 60_000);

const ALL = [...OPERATIONS, ...KEEPING_OPERATIONS, ...OPERATOR_OPERATIONS];

/** The schemas by which a call is read: two, where it has either of two bodies. */
function requestsOf({ request: one }: Operation): z.ZodObject[] {
  const options = one instanceof z.ZodUnion ? (one.options as z.ZodType[]) : [one];
  return options.filter((option) => option instanceof z.ZodObject);
}

describe("each call that has parameters", () => {
  let headers: { [name: string]: string };
  let key: string;

  beforeAll(async () => {
    const owner = await person(site.url, "Ola");
    const { cookie } = await operator(site.url);
    headers = { cookie, origin: site.url, authorization: `Bearer ${owner.token}` };
    await request(site.url).post("/api/rooms").set(headers).send({ slug: "read" }).expect(201);
    await request(site.url).post("/api/rooms/read/settings").set(headers).send({ password: "tea time" }).expect(200);
    const made = await request(site.url).post("/api/rooms/read/webhooks").set(headers).send({ name: "CI" }).expect(201);
    key = made.body.webhook.url.split("/").at(-1);
  });

  function call({ method, path }: Operation, values: object) {
    const url = path.replace(":room", "read").replace(":seq", "1").replace(":key", key);
    return method === "get"
      ? request(site.url).get(url).set(headers).query(values)
      : request(site.url).post(url).set(headers).send(values);
  }

  /** Values without which another schema reads the call, or a poll waits. */
  const VALUES: { [id: string]: object } = { say: { id: ["a", "b"], text: ["c", "d"] }, pollRoom: { wait: 0 } };

  test("is read by the very schema of which the document is made", async () => {
    const unread: string[] = [];
    const described = ALL.flatMap((one) => requestsOf(one).map((schema) => ({ one, schema })));
    for (const { one, schema } of described) {
      const reading = jest.spyOn(schema, "safeParse");
      const values = "messages" in schema.shape ? { messages: [] } : VALUES[one.id];
      await call(one, values ?? {});
      if (reading.mock.calls.length === 0) unread.push(one.id);
      reading.mockRestore();
    }
    expect(unread).toEqual([]);
    expect(described.length).toBeGreaterThan(45);
  }, 60_000);

  test("refuses a value that the document does not allow", async () => {
    const wrong = [{ is: "wrong" }, [["wrong"]], "\u0000", 0.5, null];
    const described = ALL.filter(({ method }) => method === "post").flatMap((one) =>
      requestsOf(one).flatMap(({ shape }) =>
        Object.entries<z.ZodType>(shape).map(([name, field]) => ({ one, name, field })),
      ),
    );
    const accepted = await Promise.all(
      described.map(async ({ one, name, field }) => {
        const value = wrong.find((each) => !field.safeParse(each).success);
        const { status } = await call(one, { [name]: value });
        return status >= 400 && status < 500 ? [] : [`${one.id} ${name} ${JSON.stringify(value)}: ${status}`];
      }),
    );
    expect(accepted.flat()).toEqual([]);
  }, 60_000);
});

test("a client that is generated from it talks in a room", async () => {
  const source = await generateSource(FILE.pathname);
  const { code } = await transform(source, { loader: "ts", format: "esm" });
  const folder = await mkdtemp(join(import.meta.dirname, "generated-"));
  const file = join(folder, "client.mjs");
  await writeFile(file, code);
  const api = await import(pathToFileURL(file).href);
  api.defaults.baseUrl = site.url;
  const opened = await api.openSession({ nickname: "Generated" });
  expect(opened).toMatchObject({ status: 201, data: { member: { nickname: "Generated" } } });
  api.defaults.headers = { Authorization: `Bearer ${opened.data.token}` };
  const { data: state } = await api.readRoom("lobby");
  const sent = await api.sendMessages("lobby", { id: "generated-1", text: "hello" });
  expect(sent).toMatchObject({ status: 201, data: { event: { kind: "message", text: "hello" } } });
  const { data: read } = await api.poll(["lobby"], { after: state.cursor, wait: 5 });
  expect(read.events.map(({ kind }: { kind: string }) => kind)).toEqual(["enter", "message"]);
  expect(await api.describeSession()).toMatchObject({ status: 200, data: { member: opened.data.member } });
  expect(await api.readHistory("lobby", { limit: 201 })).toMatchObject({ status: 400, data: { code: "malformed" } });
  await rm(folder, { recursive: true });
});
