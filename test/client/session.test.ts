import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createSession, type Session } from "../../client/core/session.ts";
import type { SessionStatus } from "../../client/core/status.ts";
import { createFakeSite, type FakeSite, type PollManners, type StreamManners } from "./fake-site.ts";
import { createWorld, type World } from "./world.ts";

type Room = {
  world: World;
  site: FakeSite;
  session: Session;
  seen: number[];
  resets: string[];
  states: SessionStatus[];
};

function enter(options: { random?: () => number; cursor?: string; seq?: number } = {}): Room {
  const world = createWorld(options.random);
  const site = createFakeSite(world);
  const session = createSession({
    outside: world.outside,
    room: "lobby",
    rungs: [site.stream, site.poll],
    cursor: options.cursor ?? "c0",
    seq: options.seq ?? 0,
    rttMs: 100,
    hidden: () => false,
  });
  const room: Room = { world, site, session, seen: [], resets: [], states: [] };
  session.on("event", (event) => room.seen.push(event.seq));
  session.on("reset", (reset) => room.resets.push(reset.reason));
  session.on("status", (status) => room.states.push(status));
  return room;
}

function standing({ states }: Room): string {
  const { state, transport } = states.at(-1) as SessionStatus;
  return `${state} ${transport}`;
}

describe("a session on a good network", () => {
  test("is live only after hello and a second frame", () => {
    const room = enter();
    room.session.start();
    room.world.pass(400);
    expect(standing(room)).toBe("connecting sse");
    room.world.pass(200);
    expect(standing(room)).toBe("live sse");
  });

  test("hands on what was said before it came, and what is said then", () => {
    const room = enter();
    room.site.append();
    room.site.append();
    room.session.start();
    room.world.pass(1000);
    room.site.append();
    expect(room.seen).toEqual([1, 2, 3]);
  });

  test("begins from now on when it has no cursor, and keeps hello's", () => {
    const room = enter({ cursor: "", seq: -1 });
    room.site.append();
    room.session.start();
    room.world.pass(1000);
    room.site.cut();
    room.site.append();
    room.world.pass(5000);
    expect(room.seen).toEqual([2]);
  });

  test("has one connection also when it was woken before it started", () => {
    const room = enter();
    room.session.wake();
    room.session.start();
    room.world.pass(1000);
    expect([room.site.open(), room.site.opened.length]).toEqual([1, 1]);
  });

  test("leaves no connection and no timer when it is closed", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    expect(room.site.open()).toBe(1);
    room.session.close();
    expect([room.site.open(), room.world.timers()]).toEqual([0, 0]);
    room.session.wake(true);
    expect(room.world.timers()).toBe(0);
  });
});

describe("a session on a bad network", () => {
  test("comes back after a cut with its cursor, within a second, and misses nothing", () => {
    const room = enter();
    room.session.start();
    room.world.pass(10_000);
    room.site.append();
    room.site.cut();
    room.site.append();
    room.world.pass(1000);
    expect(room.seen).toEqual([1, 2]);
    expect(room.site.opened.at(-1)?.reading.after).toBe("c1");
  });

  test("goes down to the poll when no hello comes, in 1.5 s", () => {
    const room = enter();
    room.site.manners.stream = "mute";
    room.session.start();
    room.world.pass(1600);
    room.site.append();
    expect([standing(room), room.seen]).toEqual(["live poll", [1]]);
  });

  test("goes down when hello comes and no second frame", () => {
    const room = enter();
    room.site.manners.stream = "silent";
    room.session.start();
    room.world.pass(3100);
    expect(standing(room)).toBe("live poll");
  });

  test("climbs back after five minutes, without a gap in what is shown", () => {
    const room = enter();
    room.site.manners.stream = "mute";
    room.session.start();
    room.world.pass(10_000);
    room.site.manners.stream = "good";
    room.world.pass(5 * 60_000);
    expect(standing(room)).toBe("live sse");
    expect(room.states.filter((status) => status.state === "waiting")).toEqual([]);
    room.site.append();
    expect(room.seen).toEqual([1]);
  });

  test("does not blame the stream for a server that was away: soon it streams again", () => {
    const room = enter();
    room.session.start();
    room.world.pass(60_000);
    Object.assign(room.site.manners, { stream: "refused", poll: "refused" });
    room.site.cut();
    room.world.pass(60_000);
    expect(standing(room)).toMatch(/^(waiting|connecting) /);
    Object.assign(room.site.manners, { stream: "good", poll: "good" });
    room.world.pass(60_000);
    expect(standing(room)).toBe("live sse");
  });

  test("asks a poll for what a lossy stream has left out, and leaves such a stream", () => {
    const room = enter();
    room.site.manners.stream = "lossy";
    room.session.start();
    room.world.pass(1000);
    for (let i = 0; i < 12; i++) {
      room.site.append();
      room.world.pass(4000);
    }
    expect(room.seen).toEqual(room.site.log.map((event) => event.seq));
  });

  test("asks for a gap again when the question about it has failed and nobody speaks any more", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    room.site.append();
    room.site.deafen();
    room.site.append();
    room.site.undeafen();
    room.site.manners.poll = "refused";
    room.site.append();
    room.world.pass(1000);
    expect(room.seen).toEqual([1]);
    room.site.manners.poll = "good";
    room.world.pass(16_000);
    expect(room.seen).toEqual([1, 2, 3]);
  });

  test("polls at once when its own remark is not shown in time; the second time it goes down a rung", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    const before = room.site.opened.length;
    for (const times of [1, 2]) {
      room.site.deafen();
      const { seq } = room.site.append();
      room.session.expect(seq, 50);
      room.world.pass(3100);
      expect(room.seen.length).toBe(times);
    }
    // two questions beside the stream; then, on the rung below, one that is answered at once and one that is held
    const asked = room.site.opened.slice(before).map(({ transport, reading }) => `${transport} ${reading.wait}`);
    expect(asked).toEqual(["poll 0", "poll 0", "poll 0", "poll 25"]);
    expect(standing(room)).toBe("live poll");
  });

  test("notices silence after 40 s, and after a sleep at once", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    room.site.deafen();
    room.site.append();
    room.world.pass(39_000);
    expect(room.seen).toEqual([]);
    room.world.pass(3000);
    expect(room.seen).toEqual([1]);
    room.site.deafen();
    room.site.append();
    room.world.sleep(20_000);
    room.session.wake();
    room.world.pass(100);
    expect(room.seen).toEqual([1, 2]);
  });

  test("does not spin on a poll that answers nothing at once", () => {
    const room = enter({ random: () => 1 });
    Object.assign(room.site.manners, { stream: "mute", poll: "instant" });
    room.session.start();
    room.world.pass(60_000);
    expect(room.site.opened.length).toBeLessThan(12);
  });

  test("keeps trying for ever, ever more slowly", () => {
    const room = enter();
    Object.assign(room.site.manners, { stream: "refused", poll: "refused" });
    room.session.start();
    room.world.pass(10 * 60_000);
    const early = room.site.opened.length;
    expect(early).toBeLessThan(60);
    room.world.pass(10 * 60_000);
    expect(room.site.opened.length - early).toBeGreaterThan(20);
    expect(standing(room)).toMatch(/^(waiting|connecting)/);
  });
});

test("whatever the network does, the application sees each seq once, in order", () => {
  const streamManners = fc.constantFrom<StreamManners>("good", "refused", "mute", "silent", "lossy", "doubling");
  const pollManners = fc.constantFrom<PollManners>("good", "refused", "instant", "stale");
  const step = fc.oneof(
    fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 50_000 }) }),
    fc.record({ do: fc.constant("sleep" as const), ms: fc.integer({ min: 1, max: 90_000 }) }),
    fc.record({ do: fc.constant("manners" as const), stream: streamManners, poll: pollManners }),
    fc.record({ do: fc.constantFrom("cut" as const, "wake" as const, "receipt" as const) }),
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.99, noNaN: true })),
      (steps, chance) => {
        const room = enter({ random: () => chance.next().value });
        room.session.start();
        for (const one of steps) take(room, one);
        Object.assign(room.site.manners, { stream: "good", poll: "good" });
        room.site.cut();
        room.site.append();
        room.world.pass(2 * 60_000);
        expect(room.seen).toEqual(room.site.log.map((event) => event.seq));
        expect(room.resets).toEqual([]);
        expect(room.states.at(-1)?.state).toBe("live");
        room.session.close();
        expect([room.site.open(), room.world.timers()]).toEqual([0, 0]);
      },
    ),
    { numRuns: 300 },
  );
});

type Step =
  | { do: "append"; count: number }
  | { do: "pass" | "sleep"; ms: number }
  | { do: "manners"; stream: StreamManners; poll: PollManners }
  | { do: "cut" | "wake" | "receipt" };

function take({ world, site, session }: Room, step: Step): void {
  if (step.do === "append") for (let i = 0; i < step.count; i++) site.append();
  if (step.do === "pass") world.pass(step.ms);
  if (step.do === "sleep") world.sleep(step.ms);
  if (step.do === "manners") Object.assign(site.manners, { stream: step.stream, poll: step.poll });
  if (step.do === "cut") site.cut();
  if (step.do === "wake") session.wake();
  if (step.do === "receipt") session.expect(site.append().seq, 100);
}
