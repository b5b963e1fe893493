import { expect, test } from "@jest/globals";
import type { Request } from "../../client/core/base/http.ts";
import { createConversation, say, start } from "../../client/core/conversation.ts";
import { createSession } from "../../client/core/reading/session.ts";
import { signal } from "../../client/core/sending/send.ts";
import { createFakeSite } from "./fake-site.ts";
import { createWorld } from "./world.ts";

const TYPING = "/api/rooms/lobby/typing";

/** A conversation whose signals are not answered, so that they stay open. */
function openPage() {
  const world = createWorld();
  const site = createFakeSite(world);
  const signals = new Set<Request>();
  const most = { open: 0 };
  const count = () => {
    const { streams, polls } = site.open();
    most.open = Math.max(most.open, streams + polls + site.sending() + signals.size);
  };
  const conversation = createConversation({
    environment: world.environment,
    http: {
      json: site.http.json,
      ask(request, done) {
        if (!request.url.startsWith(TYPING)) {
          const hangUp = site.http.ask(request, done);
          count();
          return hangUp;
        }
        signals.add(request);
        count();
        return () => signals.delete(request);
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
  start(conversation);
  return { world, site, conversation, signals, most };
}

test("a message does not wait for a third connection while a signal has the second one", () => {
  const { world, site, conversation, signals, most } = openPage();
  world.pass(2_000);
  signal(conversation.sender, TYPING);
  world.pass(200);
  expect(signals.size).toBe(1);
  say(conversation, "hello");
  // A browser takes a moment to close the connection.
  expect([signals.size, site.sending()]).toEqual([0, 0]);
  world.pass(20);
  expect(site.sending()).toBe(1);
  world.pass(80);
  expect(site.log.length).toBe(1);
  expect(most.open).toBe(2);
});

test("a message that follows its signal at once does not meet it", () => {
  const { world, conversation, signals, site } = openPage();
  world.pass(2_000);
  signal(conversation.sender, TYPING);
  say(conversation, "hello");
  expect([signals.size, site.sending()]).toEqual([0, 1]);
  world.pass(1_000);
  expect([signals.size, site.log.length]).toEqual([0, 1]);
});

test("a signal is not sent while both connections are in use", () => {
  const { world, site, conversation, signals, most } = openPage();
  world.pass(2_000);
  site.manners.post = "hang";
  say(conversation, "hello");
  signal(conversation.sender, TYPING);
  world.pass(1_000);
  expect([signals.size, most.open]).toEqual([0, 2]);
});

test("a signal gives its connection to a question about the stream", () => {
  const { world, conversation, signals, site, most } = openPage();
  world.pass(2_000);
  signal(conversation.sender, TYPING);
  site.deafen();
  world.pass(20_000);
  expect([signals.size, most.open]).toEqual([0, 2]);
});

test("a signal that nothing disturbs keeps its connection, and only the last one is open", () => {
  const { world, conversation, signals } = openPage();
  world.pass(2_000);
  signal(conversation.sender, TYPING);
  signal(conversation.sender, TYPING);
  world.pass(1_000);
  expect(signals.size).toBe(1);
});
