import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { connect, RefusedError } from "../../client/index.ts";
import { openSite, person, say, type TestNode, type TestSite } from "../support/app.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";

let site: TestSite;
let node: TestNode;
let url: string;

beforeAll(async () => {
  site = await openSite({ graceSeconds: 2 });
  node = site.nodes[0] as TestNode;
  url = node.url;
});
afterAll(() => site.close());

async function nicknames(): Promise<string[]> {
  const { members } = (await (await fetch(`${url}/api/rooms/lobby`)).json()) as { members: { nickname: string }[] };
  return members.map(({ nickname }) => nickname);
}

describe("what cannot be", () => {
  test.each(["", " ", "a b", "a/b", "x".repeat(65), undefined])("a room called %j is a TypeError at once", (room) => {
    expect(() => connect(url, { room: room as string })).toThrow(TypeError);
  });

  test.each(["", "nowhere", "ftp://chat.example"])("so is the address %j", (address) => {
    expect(() => connect(address, { room: "lobby" })).toThrow(TypeError);
  });

  test("a token that is not the site's is refused before anything is sent", async () => {
    const room = connect(url, { room: "lobby", token: "nonsense" });
    await expect(room.ready).rejects.toMatchObject({ code: "no_session" });
    room.close();
  });
});

describe("a bot's identity", () => {
  test("is its token, with which it is the same member again, at once", async () => {
    const first = connect(url, { room: "lobby", nickname: "Keeper" });
    expect(first.token()).toBeUndefined();
    await first.ready;
    const { member } = await first.send("one");
    const token = first.token() as string;
    first.close();
    const second = connect(url, { room: "lobby", nickname: "Keeper", token });
    await second.ready;
    expect((await second.send("two")).member.id).toBe(member.id);
    second.close();
    const third = connect(url, { room: "lobby", token });
    await third.ready;
    expect((await third.send("three")).member).toEqual(member);
    await third.leave();
  });

  test("is its name again once the site has noticed that an earlier one is gone", async () => {
    const first = connect(url, { room: "lobby", nickname: "Restarted" });
    await first.ready;
    first.close();
    const hurried = connect(url, { room: "lobby", nickname: "Restarted", nameWaitSeconds: 0 });
    await expect(hurried.ready).rejects.toMatchObject({ code: "nickname_taken" });
    hurried.close();
    const second = connect(url, { room: "lobby", nickname: "Restarted" });
    await second.ready;
    expect(await second.send("back")).toMatchObject({ member: { nickname: "Restarted" } });
    await second.leave();
  }, 30_000);

  test("is free again after leave(), which waits for what was sent", async () => {
    const room = connect(url, { room: "lobby", nickname: "Leaver" });
    await room.ready;
    const sent = room.send("and gone");
    await room.leave();
    expect(await sent).toMatchObject({ text: "and gone" });
    expect(await nicknames()).not.toContain("Leaver");
    await room.leave();
  });

  test("ends with an `await using` block", async () => {
    {
      await using room = connect(url, { room: "lobby", nickname: "Block" });
      await room.ready;
      expect(await nicknames()).toContain("Block");
    }
    expect(await nicknames()).not.toContain("Block");
  });
});

test("a signal closes the handle, and ready and send reject with its reason", async () => {
  const abort = new AbortController();
  const room = connect(`http://127.0.0.1:${await freePort()}`, { room: "lobby", signal: abort.signal });
  const states: string[] = [];
  room.on("state", ({ state }) => states.push(state));
  const sent = room.send("never");
  abort.abort(new Error("enough"));
  await expect(room.ready).rejects.toThrow("enough");
  await expect(sent).rejects.toThrow("enough");
  expect(states.at(-1)).toBe("closed");
  const late = connect(url, { room: "lobby", signal: AbortSignal.abort() });
  await expect(late.ready).rejects.toMatchObject({ name: "AbortError" });
});

test("a loop reads each event once, in order, and ends when the handle is closed", async () => {
  const ann = await person(url, "Ann");
  const room = connect(url, { room: "lobby" });
  await room.ready;
  const read: string[] = [];
  const loop = (async () => {
    for await (const event of room) if (event.kind === "message") read.push(event.text ?? "");
  })();
  for (const text of ["one", "two", "three"]) await say(url, ann, text);
  await until("it has read them", () => read.length === 3);
  room.close();
  await loop;
  expect(read).toEqual(["one", "two", "three"]);
});

test("a loop throws when the room is refused", async () => {
  const room = connect(url, { room: "nowhere" });
  const loop = async () => {
    for await (const _ of room);
  };
  await expect(loop()).rejects.toThrow(RefusedError);
  room.close();
});

test("closing a handle that is not ready does not end a program that only waits for ready", async () => {
  const script = `
    import { connect } from "chattera/client";
    const room = connect("http://127.0.0.1:${await freePort()}", { room: "lobby", nickname: "Strict" });
    room.ready.then(() => console.log("ready"));
    (async () => { await room.ready; })();
    setTimeout(() => room.close(), 100);`;
  const { NODE_OPTIONS: _jest, ...env } = process.env;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { env });
  const [code] = await once(child, "exit");
  expect(code).toBe(0);
});
