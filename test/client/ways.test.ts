import { describe, expect, test } from "@jest/globals";
import type { Request } from "../../client/core/base/http.ts";
import { createConversation, start } from "../../client/core/conversation.ts";
import { createSession } from "../../client/core/reading/session.ts";
import type { SessionStatus } from "../../client/core/reading/state.ts";
import { createFakeSite } from "./fake-site.ts";
import { createWorld } from "./world.ts";

const MINUTE = 60_000;

/** A reader in a browser in which something blocks requests by their path, at once. */
function openPage() {
  const world = createWorld();
  const site = createFakeSite(world);
  const filter = { blocks: /^\/api\/(events|stream|poll)\b/ };
  const asked: string[] = [];
  const states: SessionStatus[] = [];
  const seen: number[] = [];
  const conversation = createConversation({
    environment: world.environment,
    http: {
      json: site.http.json,
      ask(request, done) {
        asked.push(pathOf(request));
        if (filter.blocks.test(request.url)) return world.environment.later(1, () => done({ status: 0, text: "" }));
        // The fake site knows polls by their parameters only.
        const url = request.url.replace("/api/rooms/lobby/since", "/api/poll;room=lobby");
        return site.http.ask({ ...request, url }, done);
      },
    },
    address: { base: "" },
    position: { room: "lobby", cursor: "c0", seq: 0 },
    streams: site.streams,
    store: { load: () => [], save() {} },
    rttMs: 100,
    hidden: () => false,
    memory: { load: () => undefined, save() {} },
    openSession: createSession,
  });
  Object.assign(site.manners, { sse: "refused", stream: "refused" });
  conversation.session.on("status", (status) => states.push(status));
  conversation.session.on("event", ({ seq }) => seen.push(seq));
  return { world, site, conversation, filter, asked, states, seen };
}

function pathOf({ url }: Request): string {
  return url.split(";")[0] as string;
}

describe("where a filter blocks the paths of streams and polls", () => {
  test("the client reads under the path of its room, is never offline, and says that something is blocked", () => {
    const { world, site, conversation, states, seen } = openPage();
    start(conversation);
    world.pass(10_000);
    site.append();
    world.pass(100);
    expect(seen).toEqual([1]);
    expect(states.at(-1)).toMatchObject({ state: "live", transport: "poll", blocked: true });
    expect(states.every(({ failures }) => failures < 2)).toBe(true);
  });

  test("the usual path is tried once, and again after ten minutes, and is used when the filter is gone", () => {
    const { world, conversation, filter, asked, states } = openPage();
    start(conversation);
    world.pass(9 * MINUTE);
    expect(asked.filter((path) => path === "/api/poll").length).toBe(2);
    filter.blocks = /^$/;
    world.pass(3 * MINUTE);
    expect(asked.at(-1)).toBe("/api/poll");
    expect(states.at(-1)).toMatchObject({ state: "live", blocked: false });
  });
});

test("after an outage nothing is said to be blocked, and polls use their usual path", () => {
  const { world, site, conversation, filter, asked, states } = openPage();
  filter.blocks = /^$/;
  start(conversation);
  for (let n = 0; n < 10; n += 1) {
    world.pass(20_000);
    site.vanish("refused");
    world.pass(10_000 + n * 700);
    site.comeBack();
  }
  world.pass(30_000);
  expect(asked).toContain("/api/rooms/lobby/since");
  expect(asked.at(-1)).toBe("/api/poll");
  expect(states.some(({ blocked }) => blocked)).toBe(false);
});

test("a site that asks to come back later is not taken for a blocked path", () => {
  const { world, site, conversation, filter, states } = openPage();
  filter.blocks = /^$/;
  start(conversation);
  world.pass(10_000);
  site.manners.poll = "busy";
  world.pass(30_000);
  site.manners.poll = "good";
  world.pass(30_000);
  expect(states.some(({ blocked }) => blocked)).toBe(false);
});

test("a site that refuses to let the client read is quoted until it lets it read again", () => {
  const { world, site, conversation, filter, states } = openPage();
  filter.blocks = /^$/;
  start(conversation);
  world.pass(10_000);
  site.manners.poll = "forbidden";
  site.append();
  world.pass(30_000);
  expect(states.at(-1)).toMatchObject({ state: "waiting", refused: "shut_out", blocked: false });
  site.manners.poll = "good";
  world.pass(MINUTE);
  expect(states.at(-1)).toMatchObject({ state: "live", refused: "" });
});
