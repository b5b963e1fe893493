import type { RoomEvent } from "../protocol/event.ts";
import type { Environment } from "./core/base/environment.ts";

// All that arrives within one frame of the screen is one change.
const FRAME_MS = 16;
// In a busy room there are at most four changes a second.
const BUSY_MS = 250;
// More events at once are a backlog, and more may follow. It is shown when no more came for a
// moment, so that what would be dropped soon is not shown at all.
const BACKLOG = 100;
const LONGEST_WAIT_MS = 1_000;
// People who come and go are folded, but their lines take memory.
const EVENTS_PER_MESSAGE = 4;
// Shown in one task, which takes less than 50 ms on a phone. The next ones are shown after a pause.
const AT_ONCE = 100;

/** The page's use of events. */
export type ArrivalViews = {
  /** Shows events as one change; `live` are those that were not missed. */
  show(events: RoomEvent[], live: RoomEvent[]): void;
  /** Notes all events, before any of them is shown. Some may be dropped. */
  note(events: RoomEvent[]): void;
  /** The most messages that are worth showing. Of more, the newest are shown. */
  most(): number;
};

/** Events that have arrived and are not shown yet. */
export type Arrivals = {
  environment: Environment;
  views: ArrivalViews;
  noted: Arrival[];
  unshown: Arrival[];
  isTimerSet: boolean;
  /** Whether what is not shown is a part of a backlog. */
  isBacklog: boolean;
  firstAt: number;
  arrivedAt: number;
  shownAt: number;
};

type Arrival = { event: RoomEvent; isLive: boolean };

/** Creates arrivals that are shown by `views`. */
export function createArrivals(environment: Environment, views: ArrivalViews): Arrivals {
  return {
    environment,
    views,
    noted: [],
    unshown: [],
    isTimerSet: false,
    isBacklog: false,
    firstAt: 0,
    arrivedAt: 0,
    shownAt: 0,
  };
}

/** Adds an event, which is shown soon. */
export function arrive(arrivals: Arrivals, event: RoomEvent, isLive: boolean): void {
  const { environment, noted, unshown, shownAt } = arrivals;
  const now = environment.now();
  if (unshown.length + noted.length === 0) arrivals.firstAt = now;
  arrivals.arrivedAt = now;
  noted.push({ event, isLive });
  // The clock may have been set back.
  const sinceMs = Math.max(0, now - shownAt);
  showIn(arrivals, Math.max(FRAME_MS, BUSY_MS - sinceMs));
}

/** Drops what is not shown yet. */
export function dropArrivals(arrivals: Arrivals): void {
  arrivals.noted = [];
  arrivals.unshown = [];
}

function showIn(arrivals: Arrivals, ms: number): void {
  if (arrivals.isTimerSet) return;
  arrivals.isTimerSet = true;
  arrivals.environment.later(ms, () => {
    arrivals.isTimerSet = false;
    if (isIncomplete(arrivals)) showIn(arrivals, BUSY_MS);
    else showSome(arrivals);
  });
}

function isIncomplete({ environment, noted, firstAt, arrivedAt }: Arrivals): boolean {
  const now = environment.now();
  if (noted.length < BACKLOG || now < arrivedAt) return false;
  return now - arrivedAt < BUSY_MS && now - firstAt < LONGEST_WAIT_MS;
}

function showSome(arrivals: Arrivals): void {
  const { environment, views, noted } = arrivals;
  if (noted.length > 0) views.note(eventsOf(noted));
  arrivals.noted = [];
  const all = arrivals.unshown.concat(noted);
  arrivals.isBacklog = arrivals.isBacklog || all.length >= BACKLOG;
  const unshown = newestOf(all, views.most());
  const shown = unshown.slice(0, AT_ONCE);
  arrivals.unshown = unshown.slice(AT_ONCE);
  arrivals.shownAt = environment.now();
  views.show(eventsOf(shown), arrivals.isBacklog ? [] : eventsOf(shown, true));
  if (arrivals.unshown.length > 0) showIn(arrivals, 1);
  else arrivals.isBacklog = false;
}

function newestOf(arrivals: Arrival[], most: number): Arrival[] {
  let messages = 0;
  let first = arrivals.length;
  while (first > 0 && messages < most && arrivals.length - first < most * EVENTS_PER_MESSAGE) {
    first--;
    if ((arrivals[first] as Arrival).event.kind === "message") messages++;
  }
  return arrivals.slice(first);
}

function eventsOf(arrivals: Arrival[], isLive = false): RoomEvent[] {
  const events: RoomEvent[] = [];
  for (let i = 0; i < arrivals.length; i++) {
    const arrival = arrivals[i] as Arrival;
    if (arrival.isLive || !isLive) events.push(arrival.event);
  }
  return events;
}
