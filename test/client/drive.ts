import type { Known } from "../../client/core/network/known.ts";
import type { Link } from "../../client/core/reading/link.ts";
import { step } from "../../client/core/reading/machine.ts";
import { type Phase, phaseOf } from "../../client/core/reading/phase.ts";
import { createState, type Frame, type Happening, type Order } from "../../client/core/reading/state.ts";
import type { Transport } from "../../client/core/reading/transport.ts";

const TRIP_MS = 20;
const PING_MS = 4_000;

/**
 * The machine, driven by hand: its orders are carried out by a clock and a server that a test
 * commands.
 */
export type Drive = {
  happen(happening: Happening): Order[];
  /** Lets a frame come by a link. */
  bring(of: Link | undefined, kind: Frame["kind"], data: unknown): void;
  now(): number;
  pass(ms: number): void;
  phase(): Phase;
  /** The open links, oldest first. */
  open: Link[];
  opened(): number;
  /** Returns how many questions were sent to the log. */
  asked(): number;
  /** Keeps open connections open, but lets nothing come by them. */
  deafen(): void;
  /** `isAway`: nothing is answered; `streams`: whether new streams say anything. */
  server: { isAway: boolean; streams: boolean };
};

type Timer = { at: number; run: () => void; of: Link | string };

/** A machine that reads the room `lobby` and is not started. */
export function drive(known: Known = {}): Drive {
  let now = 1_000_000;
  let timers: Timer[] = [];
  let opened = 0;
  let asked = 0;
  const open: Link[] = [];
  const server = { isAway: false, streams: true };
  const state = createState(
    {
      rooms: [{ room: "lobby", cursor: "c0", seq: 0 }],
      streams: [transport("sse", true), transport("stream", true)],
      polls: [transport("poll", false)],
      rttMs: 100,
      known,
      random: () => 0.5,
      hidden: () => false,
    },
    now,
  );

  return {
    happen,
    bring,
    now: () => now,
    phase: () => phaseOf(state),
    open,
    opened: () => opened,
    asked: () => asked,
    server,
    deafen() {
      timers = timers.filter(({ of }) => typeof of === "string" || !of.transport.streams);
      for (const link of open) if (!link.transport.streams) end(link, link.reading.wait * 1000 + link.reading.graceMs);
    },
    pass(ms) {
      const until = now + ms;
      for (let next = due(until); next !== undefined; next = due(until)) {
        const { at, run } = next;
        timers = timers.filter((timer) => timer !== next);
        now = Math.max(now, at);
        run();
      }
      now = until;
    },
  };

  function due(until: number): Timer | undefined {
    return timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  }

  function happen(happening: Happening): Order[] {
    const orders = step(state, happening, now);
    for (const order of orders) obey(order);
    return orders;
  }

  function obey(order: Order): void {
    if (order.kind === "wakeIn") {
      const { timer, ms } = order;
      set(timer, ms, () => happen({ kind: "timer", timer }));
    } else if (order.kind === "drop") {
      open.splice(open.indexOf(order.link), 1);
      timers = timers.filter(({ of }) => of !== order.link);
    } else if (order.kind === "end") timers = [];
    else if (order.kind === "poll" || order.kind === "prove" || order.kind === "ask") {
      if (order.kind === "ask") asked++;
      begin(order.link);
    }
  }

  function set(of: Timer["of"], ms: number, run: () => void): void {
    timers = timers.filter((timer) => timer.of !== of);
    timers.push({ of, at: now + ms, run });
  }

  function begin(link: Link): void {
    opened++;
    open.push(link);
    const { wait } = link.reading;
    if (server.isAway) end(link, TRIP_MS);
    else if (!link.transport.streams) set(link, Math.max(TRIP_MS, wait * 1000), () => answer(link));
    else if (server.streams) set(link, TRIP_MS, () => greet(link));
  }

  function end(link: Link, ms: number): void {
    set(link, ms, () => bring(link, "ended", { how: "refused" }));
  }

  function answer(link: Link): void {
    bring(link, "answer", { events: [], signals: [], cursor: "c0" });
    bring(link, "ended", { how: "answered" });
  }

  function greet(link: Link): void {
    bring(link, "hello", { chattera: 1, ping: PING_MS, cursor: "c0", n: link.reading.nonce });
    set(link, 500, () => ping(link));
  }

  function ping(link: Link): void {
    set(link, PING_MS, () => ping(link));
    bring(link, "ping", { cursor: "c0", heads: {} });
  }

  function bring(link: Link | undefined, kind: Frame["kind"], data: unknown): void {
    happen({ kind, link, data, cursor: "" } as Frame);
  }
}

function transport(name: string, streams: boolean): Transport {
  return { name, streams, open: () => () => {} };
}
