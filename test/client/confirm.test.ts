import { describe, expect, test } from "@jest/globals";
import { enter, type Room } from "./room.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A session with a stream that carries. */
function streaming(options: Parameters<typeof enter>[0] = {}): Room {
  const room = enter(options);
  room.session.start();
  room.world.pass(SECOND);
  expect(room.session.phase()).toBe("streaming");
  return room;
}

/** When the stream was opened, and when it was confirmed, in ms of the room's clock. */
function heardAt({ site }: Room): number[] {
  return site.opened.filter(({ transport }) => transport !== "poll").map(({ at }) => at);
}

/** Returns the longest time without a request or confirmation within this number of minutes. */
function longestSilence(room: Room, minutes: number): number {
  const from = room.world.environment.now();
  room.world.pass(minutes * MINUTE);
  const times = [from, ...heardAt(room).filter((at) => at > from), room.world.environment.now()];
  return Math.max(...times.slice(1).map((at, n) => at - (times[n] as number)));
}

describe("a stream that carries", () => {
  test("is confirmed by its nonce often enough for the server's patience of 45 s", () => {
    const room = streaming();
    expect(longestSilence(room, 10)).toBeLessThan(36 * SECOND);
    expect(room.session.phase()).toBe("streaming");
  });

  test("is confirmed when something arrives, because the timers of a hidden page run once a minute", () => {
    const room = streaming();
    room.hidden = true;
    const { later } = room.world.environment;
    room.world.environment.later = (ms, run) => later(Math.max(ms, MINUTE), run);
    expect(longestSilence(room, 4)).toBeLessThan(36 * SECOND);
  });

  test("is confirmed every 20 s in a busy room, not with every event", () => {
    const room = streaming();
    const before = heardAt(room).length;
    for (let second = 0; second < 200; second++) {
      room.site.append();
      room.world.pass(SECOND);
    }
    expect(heardAt(room).length - before).toBeGreaterThanOrEqual(8);
    expect(heardAt(room).length - before).toBeLessThanOrEqual(10);
  });

  test("is not suspected if no confirmation is answered, and is confirmed again at the next ping", () => {
    const room = streaming();
    const before = heardAt(room).length;
    room.site.manners.poll = "refused";
    room.world.pass(2 * MINUTE);
    expect(heardAt(room).length - before).toBeGreaterThan(5);
    expect([room.session.phase(), room.states.at(-1)?.state]).toEqual(["streaming", "live"]);
  });

  test("is confirmed soon after the clock was changed", () => {
    for (const jump of [-60 * MINUTE, 60 * MINUTE]) {
      const room = streaming();
      room.world.setClock(jump);
      const before = heardAt(room).length;
      room.world.pass(35 * SECOND);
      expect(heardAt(room).length).toBeGreaterThan(before);
    }
  });

  test("is not confirmed while a message is being sent, and the message does not wait for a confirmation", () => {
    const room = streaming();
    room.session.sending(true);
    const before = heardAt(room).length;
    room.world.pass(2 * MINUTE);
    expect(heardAt(room).length).toBe(before);
    room.session.sending(false);
    while (room.site.open().polls === 0) room.world.pass(1);
    expect(room.site.opened.at(-1)?.transport).toBe("here");
    room.session.sending(true);
    expect(room.site.open()).toEqual({ streams: 1, polls: 0 });
  });

  test("is not confirmed after its end, and a poll needs no confirmation", () => {
    const room = streaming();
    room.site.manners.sse = "refused";
    room.site.manners.stream = "refused";
    room.site.cut();
    room.world.pass(MINUTE);
    const before = room.site.opened.filter(({ transport }) => transport === "here").length;
    room.world.pass(3 * MINUTE);
    expect(room.site.opened.filter(({ transport }) => transport === "here")).toHaveLength(before);
  });
});
