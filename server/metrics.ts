import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** The metrics of one app. */
export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Creates the counters and gauges of one app, in a registry of its own, so that two apps in a
 * process do not collide.
 */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  // Plain numbers, since a counter with labels would look them up for each of thousands of polls a
  // second.
  const polls = { kept: 0, whole: 0 };
  new Counter({
    name: "chattera_polls_total",
    help: "Polls; `kept`: on the fast path of kept poll connections; `whole`: by the guards and the route",
    labelNames: ["road"],
    registers,
    collect() {
      this.reset();
      for (const road of ["kept", "whole"] as const) this.inc({ road }, polls[road]);
    },
  });
  return {
    registry,
    rooms: new Gauge({ name: "chattera_open_rooms", help: "Rooms whose tail is in memory on this node", registers }),
    appended: new Counter({ name: "chattera_events_appended_total", help: "Messages stored by this node", registers }),
    batch: new Histogram({
      name: "chattera_append_batch_size",
      help: "Messages that shared one commit",
      buckets: [1, 2, 5, 10, 20, 50, 100, 256],
      registers,
    }),
    queries: new Counter({ name: "chattera_queries_total", help: "Statements sent to the database", registers }),
    read: new Counter({ name: "chattera_events_read_total", help: "Events read from the log by the hub", registers }),
    writes: new Counter({ name: "chattera_frames_written_total", help: "Frames handed to connections", registers }),
    polls,
    slowReaders: new Counter({
      name: "chattera_slow_readers_total",
      help: "Connections closed because they did not read",
      registers,
    }),
    resets: new Counter({
      name: "chattera_resets_total",
      help: "Cursors that could not be continued, by reason",
      labelNames: ["reason"],
      registers,
    }),
    relistens: new Counter({
      name: "chattera_bus_reconnects_total",
      help: "Reconnects of the listening connection",
      registers,
    }),
    busListening: new Gauge({
      name: "chattera_bus_hears",
      help: "1 while notifications arrive, else 0. Of several workers, the lowest value",
      aggregator: "min",
      registers,
    }),
    stalls: new Counter({
      name: "chattera_event_loop_stalls_total",
      help: "Times the event loop was blocked for more than 250 ms; the log says by which route",
      registers,
    }),
    refusals: new Counter({
      name: "chattera_refusals_total",
      help: "Requests refused, by code",
      labelNames: ["code"],
      registers,
    }),
    evicted: new Counter({
      name: "chattera_evicted_readers_total",
      help: "Readers that lost their place because their network or member held the most, or more than its share",
      registers,
    }),
    limited: new Counter({
      name: "chattera_limited_total",
      help: "Requests over a rate limit, by limit and by whose share was used up",
      labelNames: ["limit", "scope"],
      registers,
    }),
  };
}
