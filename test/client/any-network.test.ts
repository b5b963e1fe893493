import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { RequestManners, StreamManners } from "./fake-site.ts";
import { enter, type Room, resume } from "./room.ts";

const MINUTE = 60_000;

/** Everything that can happen to a reader. Only `pass` advances the virtual clock. */
const STEPS: { [name: string]: fc.Arbitrary<(room: Room) => void> } = {
  append: fc.integer({ min: 1, max: 5 }).map((count) => (room) => {
    for (let i = 0; i < count; i++) room.site.append();
  }),
  pass: fc.integer({ min: 1, max: 50_000 }).map((ms) => (room) => room.world.pass(ms)),
  sleep: fc.integer({ min: 1, max: 90_000 }).map((ms) => (room) => room.world.sleep(ms)),
  clockSet: fc.integer({ min: -3_600_000, max: 3_600_000 }).map((ms) => (room) => room.world.setClock(ms)),
  network: fc
    .record({ sse: streamManners(), stream: streamManners(), poll: requestManners() })
    .map((manners) => (room) => void Object.assign(room.site.manners, manners)),
  cut: fc.constant((room: Room) => room.site.cut()),
  halfOpen: fc.constant((room: Room) => room.site.deafen()),
  outage: fc.constantFrom("refused" as const, "hole" as const).map((how) => (room) => room.site.vanish(how)),
  comeBack: fc.constant((room: Room) => room.site.comeBack()),
  wake: fc.boolean().map((connectionsAreDead) => (room) => room.session.wake(connectionsAreDead)),
  hide: fc.boolean().map((hidden) => (room) => void Object.assign(room, { hidden })),
  receipt: fc.constant((room: Room) => room.session.expect("lobby", room.site.append().seq, 100)),
  sending: fc.boolean().map((isUnderWay) => (room) => room.session.sending(isUnderWay)),
};

function streamManners(): fc.Arbitrary<StreamManners> {
  return fc.constantFrom("good", "held", "refused", "hello", "late", "lossy", "doubled", "reordered", "short");
}

function requestManners(): fc.Arbitrary<RequestManners> {
  return fc.constantFrom("good", "html", "stale", "instant", "busy", "refused", "short");
}

test("on any network: each seq once, in order, up to date in the end, no busy loop, two requests at most", () => {
  const step = fc.oneof(...Object.values(STEPS));
  // Full jitter may be nought once, but not forty times in a row.
  const chance = fc.infiniteStream(fc.double({ min: 0.2, max: 0.99, noNaN: true }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), chance, (steps, random) => {
      const room = enter({ random: () => random.next().value });
      const most = watchRequests(room);
      room.session.start();
      for (const take of steps) {
        take(room);
        // [I1] in any network, at any moment: a run without hole or double
        expect(room.seen).toEqual(room.site.log.slice(0, room.seen.length).map((event) => event.seq));
      }
      expect(most()).toBeLessThanOrEqual(2);
      recovers(room);
      room.session.close();
      expect([room.site.open(), room.world.timers()]).toEqual([{ streams: 0, polls: 0 }, 0]);
    }),
    { numRuns: 500 },
  );
});

/** A room with an inbox, and pages that are loaded again. */
const WHISPERING: typeof STEPS = {
  ...STEPS,
  whisper: fc.integer({ min: 1, max: 3 }).map((count) => (room) => {
    for (let i = 0; i < count; i++) room.site.append("@lobby");
  }),
  resume: fc.constant(resume),
};

test("on any network, a room and an inbox: each seq of both once, in order, also by sessions that go on", () => {
  const step = fc.oneof(...Object.values(WHISPERING));
  const chance = fc.infiniteStream(fc.double({ min: 0.2, max: 0.99, noNaN: true }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), chance, (steps, random) => {
      const room = enter({ random: () => random.next().value });
      const most = watchRequests(room);
      const isRun = ({ seen, whispers, site }: Room) => {
        expect(seen).toEqual(site.log.slice(0, seen.length).map(({ seq }) => seq));
        expect(whispers).toEqual(site.inbox.slice(0, whispers.length).map(({ seq }) => seq));
      };
      room.session.start();
      for (const take of steps) {
        take(room);
        isRun(room);
      }
      expect(most()).toBeLessThanOrEqual(2);
      room.site.append("@lobby");
      recovers(room);
      expect(room.whispers).toEqual(room.site.inbox.map(({ seq }) => seq));
      resume(room);
      for (const log of ["lobby", "@lobby"]) room.site.append(log);
      room.world.pass(2 * MINUTE);
      isRun(room);
      expect([room.seen.length, room.whispers.length]).toEqual([room.site.log.length, room.site.inbox.length]);
      room.session.close();
      expect(room.world.timers()).toBe(0);
    }),
    { numRuns: 400 },
  );
});

test("a first whisper is shown that a stream brings while the log is asked about something else", () => {
  const room = enter();
  room.session.start();
  room.world.pass(520);
  room.session.wake(false);
  room.session.expect("lobby", room.site.append().seq, 100);
  for (const log of ["@lobby", "lobby"]) room.site.append(log);
  recovers(room);
  expect(room.whispers).toEqual([1]);
});

/**
 * [I2] Once the network is good again, everything is there within the longest back-off, and a
 * stream carries within the hour.
 */
function recovers(room: Room): void {
  Object.assign(room.site.manners, { sse: "good", stream: "good", poll: "good" });
  room.hidden = false;
  room.site.comeBack();
  room.session.sending(false);
  room.site.append();
  room.world.pass(2 * MINUTE);
  expect(room.seen).toEqual(room.site.log.map((event) => event.seq));
  expect(room.resets).toEqual([]);
  expect(room.states.at(-1)?.state).toBe("live");
  for (let i = 0; i < 130 && room.states.at(-1)?.transport !== "sse"; i++) room.world.pass(MINUTE);
  expect(room.states.at(-1)).toMatchObject({ state: "live", transport: "sse", slow: false });
}

/**
 * [I3] The most requests that were open at once. [I4] Fails when more than two a second are begun
 * over any ten seconds.
 */
function watchRequests(room: Room): () => number {
  let most = 0;
  const { http, streams } = room.site;
  const count = () => {
    const { streams: open, polls } = room.site.open();
    most = Math.max(most, open + polls);
    const recent = room.site.opened.filter(({ at }) => Math.abs(room.world.environment.now() - at) < 10_000).length;
    if (recent > 40) throw new Error(`${recent} requests within ten seconds`);
  };
  const { ask } = http;
  http.ask = (request, done) => {
    const hangUp = ask(request, done);
    count();
    return hangUp;
  };
  for (const stream of streams) {
    const { open } = stream;
    stream.open = (reading, sink) => {
      const close = open(reading, sink);
      count();
      return close;
    };
  }
  return () => most;
}
