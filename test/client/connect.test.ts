import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { connect, type RefusedError } from "../../client/index.ts";
import { openSite, type TestSite } from "../support/app.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";

describe("a handle of the client", () => {
  let site: TestSite;
  let url: string;

  beforeAll(async () => {
    site = await openSite();
    url = site.nodes[0]?.url ?? "";
  });
  afterAll(() => site.close());

  test("tells that there is no such room", async () => {
    const room = connect(url, { room: "nowhere" });
    const told: string[] = [];
    room.on("refused", ({ code }) => told.push(code));
    await expect(room.ready).rejects.toMatchObject({ name: "RefusedError", code: "no_such_room" });
    await expect(room.send("hello")).rejects.toMatchObject({ code: "no_such_room" });
    room.close();
    expect(told[0]).toBe("no_such_room");
  });

  test("rejects what is said by somebody whose nickname was refused", async () => {
    const room = connect(url, { room: "lobby", nickname: "\u200b" });
    const early = room.send("before").catch((error: RefusedError) => error.code);
    const { code } = (await room.ready.catch((error) => error)) as RefusedError;
    const late = room.send("after").catch((error: RefusedError) => error.code);
    expect([await early, await late]).toEqual([code, code]);
    room.close();
  });

  test("leaves no timer when it is closed while a remark waits, and harms nobody who does not wait for that", async () => {
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

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}
