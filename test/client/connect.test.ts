import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { connect, type RefusedError, type RoomHandle } from "../../client/index.ts";
import type { Member } from "../../protocol/event.ts";
import { openNode, openSite, person, say, type TestNode, type TestSite } from "../support/app.ts";
import { type BadProxy, openBadProxy } from "../support/bad-proxy.ts";
import { createDatabase } from "../support/database.ts";
import { freePort } from "../support/free-port.ts";
import { pollsOf } from "../support/raw-connection.ts";
import { refuseStreamsOf } from "../support/refuse-streams.ts";
import { until } from "../support/until.ts";

describe("a handle of the client", () => {
  let site: TestSite;
  let url: string;

  beforeAll(async () => {
    site = await openSite();
    url = site.nodes[0]?.url ?? "";
  });
  afterAll(() => site.close());

  test("reports that there is no such room", async () => {
    const room = connect(url, { room: "nowhere" });
    const refusals: string[] = [];
    room.on("refused", ({ code }) => refusals.push(code));
    await expect(room.ready).rejects.toMatchObject({ name: "RefusedError", code: "no_such_room" });
    await expect(room.send("hello")).rejects.toMatchObject({ code: "no_such_room" });
    room.close();
    expect(refusals[0]).toBe("no_such_room");
  });

  test("throws a sentence if it gets no room, or no options", () => {
    for (const options of [{}, undefined])
      expect(() => connect(url, options as never)).toThrow(
        new TypeError('"undefined" is not the name of a room. It has 1 to 64 letters, digits, - and _.'),
      );
  });

  test("ends when its room is removed, and says why", async () => {
    const { app } = site.nodes[0] as TestNode;
    await app.rooms.make({ slug: "short-lived" });
    const room = connect(url, { room: "short-lived" });
    const refusals: string[] = [];
    room.on("refused", ({ code }) => refusals.push(code));
    await room.ready;
    await app.rooms.remove("short-lived");
    await until("it is refused", () => refusals.length > 0, 20_000);
    await expect(room.send("hello?")).rejects.toMatchObject({ code: "no_such_room" });
    expect(refusals).toEqual(["no_such_room"]);
  });

  test("gets the events of a room that it names in another spelling", async () => {
    const room = connect(url, { room: "ＬＯＢＢＹ", nickname: "Loud" });
    const texts: (string | undefined)[] = [];
    room.on("event", ({ text }) => texts.push(text));
    await room.ready;
    await room.send("hello");
    await until("its own message comes back", () => texts.includes("hello"));
    room.close();
  });

  test("rejects the messages of a client whose nickname was refused", async () => {
    const room = connect(url, { room: "lobby", nickname: "\u200b" });
    const early = room.send("before").catch((error: RefusedError) => error.code);
    const { code } = (await room.ready.catch((error) => error)) as RefusedError;
    const late = room.send("after").catch((error: RefusedError) => error.code);
    expect([await early, await late]).toEqual([code, code]);
    room.close();
  });

  test("refuses a text that no request can carry, and sends what comes after it", async () => {
    const room = connect(url, { room: "lobby", nickname: "Half" });
    const refused: unknown[] = [];
    room.on("refused", (one) => refused.push(one));
    const outcomes = await Promise.allSettled(
      ["half \ud83d emoji", "a whole one", undefined as unknown as string, "another"].map((text) => room.send(text)),
    );
    room.close();
    expect(outcomes).toMatchObject([
      { status: "rejected", reason: { code: "text_invalid" } },
      { status: "fulfilled", value: { text: "a whole one" } },
      { status: "rejected", reason: { code: "text_invalid" } },
      { status: "fulfilled", value: { text: "another" } },
    ]);
    expect(refused).toHaveLength(2);
  });

  test("sends each message, in order, even if fetch throws instead of rejecting", async () => {
    let left = 3;
    const throwing: typeof fetch = (url, init) => {
      if (String(url).includes("/messages") && left-- > 0) throw new Error("a monitoring script failed");
      return fetch(url, init);
    };
    const room = connect(url, { room: "lobby", nickname: "Thrown", fetch: throwing });
    await room.ready;
    const sent = await Promise.all(["one", "two", "three"].map((text) => room.send(text)));
    room.close();
    expect(left).toBeLessThan(0);
    expect(sent.map(({ text, seq }) => [text, seq])).toEqual(
      ["one", "two", "three"].map((text, n) => [text, (sent[0]?.seq ?? 0) + n]),
    );
  });

  test("leaves no timer and no unhandled rejection when it is closed while a message waits", async () => {
    const before = timers();
    const unheard: unknown[] = [];
    const hear = (reason: unknown) => unheard.push(reason);
    process.on("unhandledRejection", hear);
    const room = connect(`http://127.0.0.1:${await freePort()}`, { room: "lobby" });
    await until("it waits", () => new Promise<boolean>((found) => room.on("state", (now) => found(now.failures > 1))));
    void room.send("hello");
    room.close();
    await until("no timer is left", () => timers() <= before, 400);
    process.off("unhandledRejection", hear);
    expect(unheard).toEqual([]);
  });
});

test("a client that has entered reads as a member, and stays in the room without sending anything", async () => {
  const site = await openSite({ graceSeconds: 2 });
  const { url } = site.nodes[0] as TestNode;
  const room = connect(url, { room: "lobby", nickname: "Quiet" });
  await room.ready;
  await until("it would be gone", () => false, 6_000).catch(() => undefined);
  const { events } = await room.history();
  room.close();
  await site.close();
  expect(events.map(({ kind }) => kind)).toEqual(["enter"]);
}, 20_000);

test("the npm client's polls take the fast path from the second one on", async () => {
  const site = await openSite();
  const node = site.nodes[0] as TestNode;
  refuseStreamsOf(node);
  const room = connect(node.url, { room: "lobby", nickname: "Program" });
  await room.ready;
  const heard: (string | undefined)[] = [];
  room.on("event", ({ text }) => heard.push(text));
  const bob = await person(node.url, "Bob");
  const before = await pollsOf(node);
  // While the client finds out how long this network lets a poll wait, the parameter changes.
  for (let n = 0; (await pollsOf(node)).kept < before.kept + 2; n += 1) {
    expect(n).toBeLessThan(10);
    await until("it polls", () => node.app.site.hub.readers.size === 1);
    await say(node.url, bob, `more ${n}`);
    await until("it has heard that", () => heard.includes(`more ${n}`));
  }
  room.close();
  await site.close();
}, 20_000);

describe("while the database is away", () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let proxy: BadProxy;
  let node: TestNode;
  let room: RoomHandle;

  beforeAll(async () => {
    database = await createDatabase();
    proxy = await openBadProxy(database.url);
    node = await openNode(proxy.through(database.url));
  });

  afterAll(async () => {
    room?.close();
    await node?.close();
    await proxy?.close();
    await database?.drop();
  });

  test("a handle waits, and enters when the database is back", async () => {
    await proxy.refuse();
    room = connect(node.url, { room: "lobby", nickname: "Early" });
    await until("it waits", () => new Promise<boolean>((found) => room.on("state", (now) => found(now.failures > 2))));
    await proxy.pass();
    await room.ready;
    const { members } = (await (await fetch(`${node.url}/api/rooms/lobby`)).json()) as { members: Member[] };
    expect(members.map(({ nickname }) => nickname)).toEqual(["Early"]);
    expect(await room.send("at last")).toMatchObject({ kind: "message" });
  }, 30_000);
});

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}
