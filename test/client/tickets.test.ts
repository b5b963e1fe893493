import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Access } from "../../client/core/base/access.ts";
import type { Answer } from "../../client/core/base/http.ts";
import { useTickets, whenTicketed } from "../../client/core/sending/tickets.ts";
import { connect } from "../../client/index.ts";
import { openSite, person, type TestNode, type TestSite } from "../support/app.ts";
import { createWorld } from "./world.ts";

let site: TestSite;
let node: TestNode;

beforeAll(async () => {
  site = await openSite();
  node = site.nodes[0] as TestNode;
});

afterAll(() => site.close());

/** Returns the paths that the client requests while it enters, reads and sends. */
async function pathsOf(nickname: string, isRefused: (method: string, path: string) => boolean): Promise<string[]> {
  const { token } = await person(node.url, nickname);
  const paths: string[] = [];
  const [answer] = node.server.listeners("request") as ((request: object, response: object) => void)[];
  node.server.removeAllListeners("request");
  node.server.on("request", (request, response) => {
    paths.push(`${request.method} ${request.url}`);
    if (isRefused(request.method ?? "", request.url ?? "")) response.writeHead(403).end();
    else answer?.call(node.server, request, response);
  });
  const room = connect(node.url, { room: "lobby", nickname, token });
  await room.ready.catch(() => undefined);
  const heard = new Promise((resolve) => room.on("event", resolve));
  await room.send("hello");
  await heard;
  room.close();
  node.server.removeAllListeners("request");
  node.server.on("request", answer as () => void);
  return paths;
}

test("URLs carry a ticket if the client can get one", async () => {
  const paths = await pathsOf("Ticketed", () => false);
  expect(paths.filter((path) => path.includes("token="))).toEqual([]);
  expect(paths.filter((path) => path.startsWith("POST /api/session/ticket;"))).toHaveLength(1);
  expect(paths.some((path) => /^GET \/api\/(poll|events|stream).*;ticket=/.test(path))).toBe(true);
});

test("the client gets a ticket by GET if POST is blocked", async () => {
  const paths = await pathsOf("Getter", (method) => method === "POST");
  expect(paths.some((path) => path.startsWith("GET /api/session/ticket;"))).toBe(true);
  expect(paths.some((path) => /^GET \/api\/rooms\/lobby\/say;.*;ticket=/.test(path))).toBe(true);
  expect(paths.filter((path) => path.includes(";token="))).toEqual([]);
});

test("URLs carry the token if the client cannot get a ticket", async () => {
  const isRefused = (method: string, path: string) => method === "POST" || path.startsWith("/api/session/ticket");
  const paths = await pathsOf("Tokened", isRefused);
  expect(paths.some((path) => /^GET \/api\/rooms\/lobby\/say;.*;token=/.test(path))).toBe(true);
});

/** Whether the client requests a ticket again this many seconds after it was refused one. */
function asksAgain(refusal: Answer, seconds: number): boolean {
  const world = createWorld();
  let asked = 0;
  const json = { parse: JSON.parse, print: JSON.stringify };
  const ask = (_request: object, done: (answer: Answer) => void) => {
    asked += 1;
    done(refusal);
    return () => undefined;
  };
  const { environment } = world;
  const access: Access = { environment, http: { ask, json }, address: { base: "", token: "secret" } };
  useTickets(environment, access.address);
  whenTicketed(access, () => undefined);
  expect(asked).toBe(2);
  world.pass(seconds * 1000);
  whenTicketed(access, () => undefined);
  return asked > 2;
}

test("after a restart of the site, the client requests a ticket again after 10 s", () => {
  for (const status of [0, 502, 503]) {
    expect([status, asksAgain({ status, text: "" }, 9)]).toEqual([status, false]);
    expect([status, asksAgain({ status, text: "" }, 11)]).toEqual([status, true]);
  }
});

test("if the network blocks tickets, the client requests one again only after minutes", () => {
  for (const status of [200, 403, 404]) {
    expect([status, asksAgain({ status, text: "Blocked by policy" }, 200)]).toEqual([status, false]);
    expect([status, asksAgain({ status, text: "Blocked by policy" }, 230)]).toEqual([status, true]);
  }
});
