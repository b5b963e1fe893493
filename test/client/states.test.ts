import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { enter, type Room } from "./room.ts";

const MINUTE = 60_000;

/** How a session comes into each phase. */
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

/** How each event is brought about. */
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
    // the answer to the question that was under way is the last one
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
  test("is whole: every event in every phase", () => {
    expect(table.map(([event, phase]) => `${event} ${phase}`)).toEqual(
      Object.keys(EVENTS).flatMap((event) => Object.keys(PHASES).map((phase) => `${event} ${phase}`)),
    );
  });

  test.each(table.filter(([, , next]) => next !== "–"))("%s in %s leads to %s", (event, phase, next) => {
    const room = (PHASES[phase] as () => Room)();
    expect(room.session.phase()).toBe(phase);
    (EVENTS[event] as (room: Room) => void)(room);
    expect(room.session.phase()).toBe(next);
  });
});
