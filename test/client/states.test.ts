import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { type Drive, drive } from "./drive.ts";
import { enter, type Room } from "./room.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Ways to bring the machine into each phase. */
const MACHINE_PHASES: { [phase: string]: () => Drive } = {
  waiting: () => started((machine) => Object.assign(machine.server, { isAway: true }), SECOND),
  polling: () =>
    passed(
      started(() => {}, 0, { rung: 2, climbMs: 5 * MINUTE, climbAt: 1_000_000 + 5 * MINUTE }),
      SECOND,
    ),
  proving: () => started(() => {}, 100),
  streaming: () => started(() => {}, SECOND),
  renewing() {
    const machine = started(() => {}, SECOND);
    while (machine.phase() !== "renewing") machine.pass(10);
    return machine;
  },
  closed() {
    const machine = started(() => {}, SECOND);
    machine.happen({ kind: "close" });
    return machine;
  },
};

/** The happenings of each row. */
const HAPPENINGS: { [row: string]: (machine: Drive) => void } = {
  answer(machine) {
    const poll = machine.open.find(({ transport }) => !transport.streams);
    machine.bring(poll, "event", eventOf(1));
    machine.bring(poll, "answer", { events: [eventOf(1)], signals: [], cursor: "c1" });
    machine.bring(poll, "ended", { how: "answered" });
    machine.pass(1);
  },
  refusal(machine) {
    const poll = machine.open.find(({ transport }) => !transport.streams);
    machine.bring(poll, "ended", { how: "refused" });
  },
  proof: (machine) => machine.pass(600),
  mute(machine) {
    Object.assign(machine.server, { streams: false });
    machine.deafen();
    machine.pass(3_100);
  },
  cut(machine) {
    for (const link of [...machine.open]) machine.bring(link, "ended", { how: "cut" });
  },
  silence(machine) {
    machine.deafen();
    const before = machine.opened();
    for (let ms = 0; ms < 40 * SECOND && machine.opened() < before + 2; ms += 10) machine.pass(10);
  },
  vanish(machine) {
    machine.server.isAway = true;
    for (const link of [...machine.open]) machine.bring(link, "ended", { how: "cut" });
    machine.pass(SECOND);
  },
  wake: (machine) => void machine.happen({ kind: "wake", connectionsAreDead: false }),
  connectionsAreDead: (machine) => void machine.happen({ kind: "wake", connectionsAreDead: true }),
  confirm(machine) {
    const link = machine.open.at(-1);
    machine.pass(30 * SECOND);
    expect(link?.confirmedAt).toBeGreaterThan(link?.openedAt as number);
  },
  sending: (machine) => void machine.happen({ kind: "sending", isUnderWay: true }),
  doubt(machine) {
    machine.pass(5);
    machine.happen({ kind: "doubt", since: machine.now() + 1 });
  },
  "silence, sending"(machine) {
    machine.deafen();
    machine.happen({ kind: "sending", isUnderWay: true });
    const before = machine.opened();
    for (let ms = 0; ms < 20 * SECOND && machine.opened() === before; ms += 10) machine.pass(10);
  },
  due(machine) {
    const before = machine.phase();
    for (let ms = 0; ms < 6 * MINUTE && machine.phase() === before; ms += 100) machine.pass(100);
  },
  follow: (machine) => void machine.happen({ kind: "follow", position: { room: "another", cursor: "", seq: -1 } }),
  close: (machine) => void machine.happen({ kind: "close" }),
};

function started(before: (machine: Drive) => void, ms: number, known = {}): Drive {
  const machine = drive(known);
  before(machine);
  machine.happen({ kind: "start" });
  return passed(machine, ms);
}

function passed(machine: Drive, ms: number): Drive {
  machine.pass(ms);
  return machine;
}

function eventOf(seq: number) {
  const member = { id: "m1", nickname: "Ann", color: "#b3261e" };
  return { room: "lobby", seq, kind: "message", member, at: "2026-11-22T12:00:00Z", text: `message ${seq}` };
}

/** Ways to bring a session into each phase. */
const PHASES: { [phase: string]: () => Room } = {
  waiting: () => after(1000, enter(), (room) => room.site.vanish("refused")),
  polling: () => after(1000, enter({ known: { rung: 2, climbMs: 5 * MINUTE, climbAt: 1_000_000 + 5 * MINUTE } })),
  proving: () => after(100, enter()),
  streaming: () => after(1000, enter()),
  renewing() {
    const room = after(1000, enter());
    while (room.session.phase() !== "renewing") room.world.pass(10);
    return room;
  },
  closed() {
    const room = after(1000, enter());
    room.session.close();
    return room;
  },
};

/** Ways to cause each event. */
const EVENTS: { [event: string]: (room: Room) => void } = {
  answer({ site, world }) {
    site.append();
    world.pass(1);
  },
  refusal({ site, world }) {
    site.manners.poll = "html";
    site.append();
    world.pass(30);
    site.append();
    // The answer to the question that was under way is the last one.
    world.pass(30);
  },
  proof: ({ world }) => world.pass(600),
  mute({ site, world }) {
    Object.assign(site.manners, { sse: "held", stream: "held" });
    site.deafenNewest();
    world.pass(3100);
  },
  cut: ({ site }) => site.cut(),
  silence({ site, world, session }) {
    site.deafen();
    const before = site.opened.length;
    for (let ms = 0; ms < 40_000 && site.opened.length < before + 2 && session.phase() !== "closed"; ms += 10)
      world.pass(10);
  },
  vanish({ site, world }) {
    site.vanish("refused");
    world.pass(1000);
  },
  wake: ({ session }) => session.wake(),
  connectionsAreDead: ({ session }) => session.wake(true),
  confirm({ site, world }) {
    for (let ms = 0; ms < 40_000 && site.opened.at(-1)?.transport !== "here"; ms += 10) world.pass(10);
    expect(site.opened.at(-1)?.transport).toBe("here");
  },
  sending: ({ session }) => session.sending(true),
  doubt({ world, session }) {
    world.pass(5);
    session.doubt(world.environment.now() + 1);
  },
  "silence, sending"({ site, world, session }) {
    site.deafen();
    session.sending(true);
    const before = site.opened.length;
    for (let ms = 0; ms < 20 * SECOND && site.opened.length === before; ms += 10) world.pass(10);
  },
  due({ world, session }) {
    const before = session.phase();
    for (let ms = 0; ms < 6 * MINUTE && session.phase() === before; ms += 100) world.pass(100);
  },
  follow: ({ session }) => session.follow({ room: "another", cursor: "", seq: -1 }),
  close: ({ session }) => session.close(),
};

function after(ms: number, room: Room, before: (room: Room) => void = () => {}): Room {
  before(room);
  room.session.start();
  room.world.pass(ms);
  return room;
}

/** The rows of the table in docs/client-states.md: event, and the phase that follows by phase. */
function tableOf(page: string): [string, string, string][] {
  const [, section = ""] = page.split("## The table");
  const rows =
    section
      .split("\n## ")[0]
      ?.split("\n")
      .filter((line) => line.startsWith("|")) ?? [];
  const [head = [], , ...body] = rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return body.flatMap(([event = "", ...cells]) =>
    cells.map((next, at): [string, string, string] => [event, head[at + 1] ?? "", next]),
  );
}

const table = tableOf(readFileSync(new URL("../../docs/client-states.md", import.meta.url), "utf8"));

describe("the table of docs/client-states.md", () => {
  test("has a cell for every row and phase", () => {
    expect(table.map(([event, phase]) => `${event} ${phase}`)).toEqual(
      Object.keys(EVENTS).flatMap((event) => Object.keys(PHASES).map((phase) => `${event} ${phase}`)),
    );
    expect(Object.keys(HAPPENINGS)).toEqual(Object.keys(EVENTS));
    expect(Object.keys(MACHINE_PHASES)).toEqual(Object.keys(PHASES));
  });

  test.each(table.filter(([, , next]) => next !== "–"))("the machine: %s in %s leads to %s", (row, phase, next) => {
    const machine = (MACHINE_PHASES[phase] as () => Drive)();
    expect(machine.phase()).toBe(phase);
    (HAPPENINGS[row] as (machine: Drive) => void)(machine);
    expect(machine.phase()).toBe(next);
  });

  test.each(table.filter(([, , next]) => next !== "–"))("a session: %s in %s leads to %s", (event, phase, next) => {
    const room = (PHASES[phase] as () => Room)();
    expect(room.session.phase()).toBe(phase);
    (EVENTS[event] as (room: Room) => void)(room);
    expect(room.session.phase()).toBe(next);
  });
});
