import { describe, expect, test } from "@jest/globals";
import type { Known } from "../../client/core/network/known.ts";
import { enter, type Room, standing } from "./room.ts";
import { createWorld } from "./world.ts";

const MINUTE = 60_000;

describe("a session on a good network", () => {
  test("shows the first message within one round trip, before any stream is proved", () => {
    const room = enter();
    room.site.append();
    room.session.start();
    room.world.pass(25);
    expect([room.seen, standing(room)]).toEqual([[1], "live poll"]);
    room.site.append();
    room.world.pass(25);
    expect(room.seen).toEqual([1, 2]);
  });

  test("lets a stream carry only after hello and a second frame, and then stops polling", () => {
    const room = enter();
    room.session.start();
    room.world.pass(400);
    expect([room.session.phase(), standing(room)]).toEqual(["proving", "live poll"]);
    room.world.pass(200);
    expect([room.session.phase(), standing(room), room.site.open()]).toEqual([
      "streaming",
      "live sse",
      { streams: 1, polls: 0 },
    ]);
  });

  test("begins from now on without a cursor, and keeps the server's", () => {
    const room = enter({ seq: -1 });
    room.site.append();
    room.session.start();
    room.world.pass(1000);
    room.site.cut();
    room.site.append();
    room.world.pass(5000);
    expect(room.seen).toEqual([2]);
  });

  test("leaves no connection and no timer when it is closed, in any state", () => {
    for (const ms of [0, 10, 300, 1000, 6 * MINUTE]) {
      const room = enter();
      room.session.start();
      room.world.pass(ms);
      room.session.close();
      expect([room.site.open(), room.world.timers()]).toEqual([{ streams: 0, polls: 0 }, 0]);
      room.session.wake(true);
      room.session.sending(false);
      expect([room.site.open(), room.world.timers(), room.session.phase()]).toEqual([
        { streams: 0, polls: 0 },
        0,
        "closed",
      ]);
    }
  });

  test("renews an old stream with its successor already open, and requests slower pings", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    const pings = () => room.site.opened.filter(({ transport }) => transport === "sse").map((one) => one.reading.ping);
    expect(pings()).toEqual([4]);
    const phases = new Set<string>();
    for (let ms = 0; ms < 7 * MINUTE; ms += 100) {
      room.world.pass(100);
      phases.add(room.session.phase());
      if (ms % 1000 === 0) room.site.append();
    }
    expect([...phases]).toEqual(["streaming", "renewing"]);
    expect(pings().slice(0, 2)).toEqual([4, 8]);
    expect(room.seen).toEqual(room.site.log.map((event) => event.seq));
  });

  test("never has more than two requests under way, including a message's", () => {
    const room = enter();
    room.session.start();
    let most = 0;
    for (let ms = 0; ms < 10 * MINUTE; ms += 50) {
      if (ms % 700 === 0) room.session.sending(true);
      if (ms % 700 === 300) room.session.sending(false);
      room.world.pass(50);
      if (ms % 3000 === 0) room.session.wake();
      const { streams, polls } = room.site.open();
      most = Math.max(most, streams + polls + (ms % 700 < 300 ? 1 : 0));
    }
    expect(most).toBe(2);
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
    const polls = room.site.opened.filter(({ transport, at }) => transport === "poll" && at > 1_010_000);
    expect(polls[0]?.reading.after).toEqual(["c1"]);
  });

  test.each(["held", "hello"] as const)("polls if streams are %s, after it has tried each", (manners) => {
    const room = enter();
    Object.assign(room.site.manners, { sse: manners, stream: manners });
    room.session.start();
    room.world.pass(20_000);
    room.site.append();
    room.world.pass(50);
    expect([standing(room), room.seen]).toEqual(["live poll slow", [1]]);
    expect(room.states.filter((status) => status.state === "waiting")).toEqual([]);
  });

  test("uses the stream of bytes if event streams are refused", () => {
    const room = enter();
    room.site.manners.sse = "refused";
    room.session.start();
    room.world.pass(5_000);
    expect(standing(room)).toBe("live stream");
  });

  test("requests a comment behind each frame if the network is one frame late", () => {
    const room = enter();
    room.site.manners.sse = "late";
    room.session.start();
    room.world.pass(6_000);
    expect([standing(room), room.known.late]).toEqual(["live sse", true]);
    room.site.append();
    room.world.pass(60);
    expect(room.seen).toEqual([1]);
  });

  test.each([120, 250])(
    "notices that even while a message comes every %i ms, each of which pushes out another",
    (gapMs) => {
      const room = enter();
      room.site.manners.sse = "late";
      room.session.start();
      for (let ms = 0; ms < 8_000; ms += gapMs) {
        room.world.pass(gapMs);
        room.site.append();
      }
      room.world.pass(60);
      expect([standing(room), room.known.late]).toEqual(["live sse", true]);
      expect(room.seen).toEqual(room.site.log.map(({ seq }) => seq));
    },
  );

  test("does not ask for comments where the stream only starts in a busy room", () => {
    const room = enter();
    room.session.start();
    for (let ms = 0; ms < 8_000; ms += 30) {
      room.world.pass(30);
      room.site.append();
    }
    expect([standing(room), room.known.late]).toEqual(["live sse", false]);
    expect(room.site.opened.filter(({ transport }) => transport === "sse")).toHaveLength(1);
  });

  test("does not ask for comments because a poll was quicker than the beginning of the stream", () => {
    const room = enter();
    const { sse } = Object.fromEntries(room.site.streams.map((stream) => [stream.name, stream]));
    const open = sse?.open.bind(sse);
    if (sse && open) {
      sse.open = (reading, sink) => {
        let close = () => {};
        const stop = room.world.environment.later(700, () => {
          close = open(reading, sink);
        });
        return () => [stop, close].forEach((end) => void end());
      };
    }
    room.session.start();
    room.world.pass(200);
    room.site.append();
    room.world.pass(8_000);
    expect([standing(room), room.known.late]).toEqual(["live sse", false]);
    expect(room.seen).toEqual([1]);
  });

  test("climbs back after five minutes without a gap", () => {
    const room = enter({ streams: 1 });
    room.site.manners.sse = "held";
    room.session.start();
    room.world.pass(10_000);
    expect(standing(room)).toBe("live poll slow");
    room.site.manners.sse = "good";
    room.world.pass(5 * MINUTE);
    expect(standing(room)).toBe("live sse");
    expect(room.states.every((status) => status.state !== "waiting")).toBe(true);
    room.site.append();
    expect(room.seen).toEqual([1]);
  });

  test("remembers what the network carries", () => {
    const first = enter({ streams: 1 });
    first.site.manners.sse = "held";
    first.session.start();
    first.world.pass(10_000);
    const second = enter({ streams: 1, known: first.known, world: first.world });
    second.session.start();
    second.world.pass(100);
    expect([standing(second), second.site.open()]).toEqual(["live poll slow", { streams: 0, polls: 1 }]);
  });

  test.each(["refused", "hole"] as const)("does not blame a stream while the server is away (%s)", (how) => {
    const room = enter();
    room.session.start();
    room.world.pass(MINUTE);
    room.site.vanish(how);
    room.world.pass(MINUTE);
    expect(standing(room)).toMatch(/^(waiting|connecting) /);
    room.site.comeBack();
    room.site.append();
    room.world.pass(6_000);
    expect(room.seen).toEqual([1]);
    room.world.pass(2_000);
    expect(standing(room)).toBe("live sse");
  });

  test("does not blame a stream while a login page answers everything", () => {
    const room = enter();
    room.session.start();
    room.world.pass(MINUTE);
    Object.assign(room.site.manners, { sse: "refused", stream: "refused", poll: "html" });
    room.site.cut();
    room.world.pass(MINUTE);
    expect(standing(room)).toMatch(/^(waiting|connecting) /);
    Object.assign(room.site.manners, { sse: "good", stream: "good", poll: "good" });
    room.world.pass(5_000);
    expect(standing(room)).toBe("live sse");
  });

  test("asks the log for events that a lossy stream has left out, and leaves such a stream", () => {
    const room = enter({ streams: 1 });
    room.site.manners.sse = "lossy";
    room.session.start();
    room.world.pass(1000);
    for (let i = 0; i < 12; i++) {
      room.site.append();
      room.world.pass(4000);
    }
    room.world.pass(5000);
    expect(room.seen).toEqual(room.site.log.map((event) => event.seq));
  });

  test("polls at once when its own message is not shown in time, and moves a rung down the second time", () => {
    const room = enter({ streams: 1 });
    room.session.start();
    room.world.pass(1000);
    for (const times of [1, 2]) {
      room.site.deafen();
      const { seq } = room.site.append();
      room.session.expect("lobby", seq, 50);
      room.world.pass(3100);
      expect(room.seen.length).toBe(times);
      room.world.pass(3000);
    }
    expect(standing(room)).toBe("live poll slow");
  });

  test("notices in a busy room within five seconds that the connection is dead", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    for (let i = 0; i < 10; i++) {
      room.site.append();
      room.world.pass(500);
    }
    room.site.deafen();
    room.site.append();
    room.world.pass(5_000);
    expect(room.seen.length).toBe(11);
  });

  test("notices a dead connection in a quiet room by the missing ping, and requests quicker pings", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    room.site.deafen();
    room.site.append();
    room.world.pass(8_500);
    expect(room.seen).toEqual([1]);
    room.world.pass(2_000);
    const pings = room.site.opened.filter(({ transport }) => transport === "sse").map(({ reading }) => reading.ping);
    expect([pings, standing(room)]).toEqual([[4, 2], "live sse"]);
  });

  test("waits 75 s for a hidden page's stream, because its timers run once a minute", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    room.hidden = true;
    room.site.deafen();
    const before = room.site.opened.length;
    room.world.pass(74_000);
    expect(room.site.opened.length).toBe(before);
    room.world.pass(3_000);
    expect(room.site.opened.length).toBeGreaterThan(before);
  });

  test("is up to date within a second after the phone has slept for an hour", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    room.site.deafen();
    room.world.sleep(60 * MINUTE);
    for (let i = 0; i < 30; i++) room.site.append();
    room.session.wake();
    room.world.pass(1000);
    expect(room.seen.length).toBe(30);
  });

  test("notices by its clock that the machine has slept", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    room.site.deafen();
    room.world.sleep(20_000);
    room.site.append();
    room.world.pass(1100);
    expect(room.seen).toEqual([1]);
  });

  test("holds polls for less time than the network allows, and notices a poll that died in silence", () => {
    const room = enter({ streams: 0 });
    room.site.manners.poll = "short";
    room.session.start();
    for (let i = 0; i < 40; i++) {
      room.site.append();
      room.world.pass(1000);
    }
    expect(room.seen.length).toBe(40);
    room.world.pass(MINUTE);
    expect(room.known.holdSeconds).toBe(2);
    room.site.manners.poll = "good";
    room.site.deafen();
    room.site.append();
    room.world.pass(5_000);
    expect(room.seen.length).toBe(41);
  });

  test.each(["instant", "stale", "html", "busy"] as const)("does not spin on polls that are %s", (manners) => {
    const room = enter({ random: () => 0.9, streams: 0 });
    room.session.start();
    room.world.pass(1000);
    room.site.manners.poll = manners;
    room.site.cut();
    const before = room.site.opened.length;
    room.world.pass(5 * MINUTE);
    expect(room.site.opened.length - before).toBeLessThan(60);
  });

  test("retries forever, at growing intervals", () => {
    const room = enter();
    room.site.vanish("refused");
    room.session.start();
    room.world.pass(10 * MINUTE);
    const early = room.site.opened.length;
    expect(early).toBeLessThan(120);
    room.world.pass(10 * MINUTE);
    expect(room.site.opened.length - early).toBeGreaterThan(20);
    expect(standing(room)).toMatch(/^(waiting|connecting)/);
  });

  test("reports by any transport that the log cannot be continued", () => {
    for (const streams of [0, 1]) {
      const room = enter({ streams });
      for (let i = 0; i < 9; i++) room.site.append();
      room.site.prune(5);
      room.session.start();
      room.world.pass(2000);
      room.site.append();
      room.world.pass(2000);
      expect([room.resets, room.seen]).toEqual([["pruned"], [6, 7, 8, 9, 10]]);
    }
  });

  test("does not wait for hours after the clock was set back", () => {
    const room = enter({ world: createWorld() });
    room.session.start();
    room.world.pass(1000);
    room.world.setClock(-60 * MINUTE);
    room.site.cut();
    room.site.append();
    room.world.pass(2_000);
    expect([room.seen, standing(room)]).toEqual([[1], "live sse"]);
  });
});

describe("a session that looks for the cause of a failure", () => {
  test("does not blame a stream that fell silent while nothing else was answered", () => {
    const room = enter({ streams: 1 });
    room.session.start();
    room.world.pass(10_000);
    for (let times = 0; times < 2; times++) {
      room.site.vanish("hole");
      room.world.pass(16_000);
      room.site.comeBack();
      room.world.pass(10_000);
    }
    expect([standing(room), room.known.rung ?? 0, room.known.pingSeconds ?? 5]).toEqual(["live sse", 0, 5]);
  });

  test("does not blame a stream whose network went away after its hello", () => {
    const room = enter({ streams: 1 });
    room.session.start();
    room.world.pass(50);
    room.site.vanish("hole");
    room.world.pass(10_000);
    room.site.comeBack();
    room.world.pass(20_000);
    expect([standing(room), room.known.late]).toEqual(["live sse", false]);
  });

  test("does not blame a stream that was opened before a room was followed", () => {
    const room = enter({ streams: 1 });
    room.session.start();
    room.world.pass(10_000);
    for (let i = 0; i < 3; i++) room.site.append("another");
    room.site.manners.sse = "held";
    room.session.follow({ room: "another", cursor: "c0.0", seq: 0 });
    room.site.deafenNewest();
    for (let i = 0; i < 10; i++) {
      room.site.append();
      room.world.pass(300);
    }
    room.world.pass(2_000);
    room.session.expect("another", 3, 50);
    const before = room.states.length;
    room.world.pass(3_500);
    expect(room.states.slice(before)).toEqual([]);
  });

  test("renews a stream even if its first successor found no server", () => {
    const room = enter({ streams: 1 });
    room.session.start();
    room.world.pass(1000);
    Object.assign(room.site.manners, { sse: "refused", poll: "html" });
    const opened = () => room.site.opened.filter(({ transport }) => transport === "sse").length;
    while (opened() < 2) room.world.pass(1000);
    room.world.pass(5_000);
    Object.assign(room.site.manners, { sse: "good", poll: "good" });
    room.world.pass(2 * MINUTE);
    expect([opened() > 2, standing(room)]).toEqual([true, "live sse"]);
  });
});

describe("a session with a message under way", () => {
  test("opens no third request when the message has been sent and a question waits", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    while (room.session.phase() !== "renewing") room.world.pass(10);
    room.site.vanish("hole");
    room.session.wake();
    room.session.sending(true);
    room.session.sending(false);
    for (let ms = 0; ms < 2_000; ms += 10) {
      room.world.pass(10);
      const { streams, polls } = room.site.open();
      expect(streams + polls).toBeLessThanOrEqual(2);
    }
  });

  test("keeps reading while the message takes long, even if no stream proves itself", () => {
    const room = enter();
    Object.assign(room.site.manners, { sse: "held", stream: "held" });
    room.session.start();
    room.world.pass(100);
    room.session.sending(true);
    room.world.pass(10_000);
    room.site.append();
    room.world.pass(2_000);
    expect(room.seen).toEqual([1]);
  });
});

describe("a session that is closed", () => {
  const NOTHING_LEFT = [{ streams: 0, polls: 0 }, 0];
  const left = (room: Room) => [room.site.open(), room.world.timers()];

  test("sends nothing more, and opens nothing while it closes", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    room.session.wake();
    const { length } = room.site.opened;
    room.session.close();
    room.world.pass(MINUTE);
    expect([room.site.opened.length, ...left(room)]).toEqual([length, ...NOTHING_LEFT]);
  });

  test("does not expect a message whose receipt comes too late", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    room.session.sending(true);
    room.session.close();
    room.session.sending(false);
    room.session.expect("lobby", room.site.append().seq, 50);
    expect(left(room)).toEqual(NOTHING_LEFT);
    room.world.pass(MINUTE);
    expect(room.seen).toEqual([]);
  });

  test("does not doubt its stream any more", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1000);
    room.site.deafen();
    room.session.expect("lobby", room.site.append().seq, 50);
    while (room.seen.length === 0) room.world.pass(10);
    room.session.close();
    expect(left(room)).toEqual(NOTHING_LEFT);
  });

  test("emits no more events of the answer during which it was closed, and keeps its cursor", () => {
    const room = enter();
    for (let i = 0; i < 5; i++) room.site.append();
    room.session.on("event", ({ seq }) => seq === 2 && room.session.close());
    room.session.start();
    room.world.pass(1000);
    expect([room.seen, room.session.after()]).toEqual([[1, 2], ["c0"]]);
  });

  test("stays closed if a listener closes it when the server is heard again", () => {
    const room = enter();
    room.site.manners.poll = "html";
    room.session.on("status", () => room.states.at(-1)?.failures === 1 && room.site.append());
    room.session.on("status", ({ failures }) => failures === 0 && room.states.length > 1 && room.session.close());
    room.session.start();
    room.world.pass(1000);
    expect([room.session.phase(), room.seen, ...left(room)]).toEqual(["closed", [], ...NOTHING_LEFT]);
  });
});

describe("a session whose application or network does something unexpected", () => {
  test("does what a listener requests after it has finished what it was doing", () => {
    const room = enter({ streams: 0 });
    const opened: number[] = [];
    for (let i = 0; i < 3; i++) room.site.append();
    room.session.on("event", ({ seq }) => {
      if (seq !== 2) return;
      opened.push(room.site.opened.length);
      room.session.wake(true);
      opened.push(room.site.opened.length);
    });
    room.session.start();
    room.world.pass(50);
    expect(room.seen).toEqual([1, 2, 3]);
    expect(opened).toEqual([1, 1]);
    expect(room.site.opened[1]?.reading.after).toEqual(["c3"]);
  });

  test("treats a connection that cannot be opened as refused, later, and keeps the error to itself", () => {
    const room = enter();
    const { open } = room.site.poll;
    room.site.poll.open = () => {
      throw new Error("forbidden by the browser");
    };
    room.session.start();
    expect(room.states).toEqual([]);
    room.world.pass(1);
    expect(standing(room)).toBe("waiting ");
    room.site.poll.open = open;
    room.site.append();
    room.world.pass(1000);
    expect(room.seen).toEqual([1]);
  });
});

describe("a session that begins from now on", () => {
  test("sends no question in a quiet room", () => {
    const room = enter({ seq: -1 });
    room.site.append();
    room.session.start();
    room.world.pass(1000);
    const asked = () => room.site.opened.filter(({ transport }) => transport !== "here").length;
    const before = asked();
    room.world.pass(2 * MINUTE);
    expect(asked()).toBe(before);
  });

  test("reads a second room from now on, and emits no reset for it", () => {
    for (const streams of [0, 1]) {
      const room = enter({ streams });
      room.site.append("another");
      room.session.start();
      room.world.pass(1000);
      room.session.follow({ room: "another", cursor: "", seq: -1 });
      room.world.pass(1000);
      room.site.append("another");
      room.world.pass(1000);
      room.site.cut();
      room.site.append("another");
      room.world.pass(2000);
      expect([room.others, room.resets]).toEqual([[2, 3], []]);
    }
  });
});

test.each<[string, unknown]>([
  ["a word", "sse"],
  ["a rung above the ladder", { rung: -1 }],
  ["a rung between two", { rung: 0.5 }],
  ["no number", { rung: Number.NaN, climbAt: Number.NaN, holdSeconds: Number.NaN }],
  [
    "texts in place of numbers",
    { rung: "1st", climbMs: "long", lifeMs: "short", pingSeconds: "often", holdSeconds: "yes" },
  ],
  ["negative numbers", { lifeMs: -5, holdSeconds: -3, pingSeconds: -1, climbMs: -1 }],
  ["pings that the server refuses", { pingSeconds: 1800 }],
])("a memory that is %s hinders no session", (_, known) => {
  const room = enter({ known: known as Known });
  room.session.start();
  room.site.append();
  room.world.pass(MINUTE);
  expect([room.seen, standing(room), room.site.opened.length < 6]).toEqual([[1], "live sse", true]);
  const { wait, ping } = room.site.opened[1]?.reading ?? { wait: 0, ping: 0 };
  expect([wait === 0 || wait >= 2, ping === 0 || (ping >= 2 && ping <= 60)]).toEqual([true, true]);
});

describe("a node that cannot read the log", () => {
  const isStale = ({ states }: Room) => states.at(-1)?.stale;

  test("is reported while its pings say so", () => {
    const room = enter();
    room.session.start();
    room.world.pass(1_000);
    expect([standing(room), isStale(room)]).toEqual(["live sse", false]);
    room.site.unreadSeconds = 12;
    room.world.pass(5_000);
    expect([standing(room), isStale(room)]).toEqual(["live sse", true]);
    room.site.unreadSeconds = undefined;
    room.world.pass(5_000);
    expect([standing(room), isStale(room)]).toEqual(["live sse", false]);
  });

  test("is reported by its answers to polls, too", () => {
    const room = enter({ streams: 0 });
    room.session.start();
    room.site.unreadSeconds = 12;
    room.world.pass(2_000);
    expect([standing(room), isStale(room)]).toEqual(["live poll slow", true]);
  });
});
