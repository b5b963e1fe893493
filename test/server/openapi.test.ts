import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "@jest/globals";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { transform } from "esbuild";
import { generateSource } from "oazapfts";
import request from "supertest";
import { siteRoutes } from "../../server/app.ts";
import { apiCalls } from "../../server/routes/openapi.ts";
import { openNode } from "../support/app.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
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

test("it has each call of the API, and nothing else", () => {
  const calls = apiCalls(siteRoutes(site.node.app.site))
    .filter(({ path }) => !/^\/api\/(doctor|operate)\b/.test(path))
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, "{$1}")}`);
  const { paths } = JSON.parse(readFileSync(FILE, "utf8")) as { paths: { [path: string]: object } };
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(described.sort()).toEqual([...new Set(calls)].sort());
  expect(described.length).toBeGreaterThan(30);
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
