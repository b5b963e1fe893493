import type { RoomEvent } from "../protocol/event.ts";
import { isInbox } from "../protocol/inbox.ts";
import { isOwn } from "../protocol/own.ts";

/**
 * Where whispers belong in the log of a room on the screen. A whisper gets a seq between those of
 * the room's events, by its time. `known` has the seqs of the whispers that are shown, by their
 * own seqs; 0 for those whose lines are gone.
 */
export type WhisperPlaces = { marks: Mark[]; known: { [seq: number]: number } };

/** An event of the room, and when it was sent. */
type Mark = { seq: number; at: string };

/** A whisper has its own seq too. */
type PlacedEvent = RoomEvent & { whisper?: number; target?: number };

/** The events of a page of history, and the whispers of its time. */
type WhisperedPage = { events: RoomEvent[]; whispers?: RoomEvent[] };

const MOST_MARKS = 2_000;
// A power of two, so that the fractions are exact.
const MOST_WHISPERS = 1_048_576;

/** Creates places behind the last event of a page. */
export function createPlaces(lastSeq: number): WhisperPlaces {
  return { marks: lastSeq < 0 ? [] : [{ seq: lastSeq, at: "" }], known: {} };
}

/**
 * Returns an event as the page shows it: a whisper, and what erases one, has a seq between those of
 * the room. Returns `undefined` for a whisper that is shown already.
 */
export function placed(places: WhisperPlaces, event: RoomEvent): RoomEvent | undefined {
  const { seq, at } = event;
  if (!isInbox(event.room)) {
    mark(places, { seq, at });
    return event;
  }
  if ((places.known[seq] || 0) > 0) return undefined;
  const shown: PlacedEvent = { ...event, seq: betweenSeqs(places, { seq, at }), whisper: seq };
  if (shown.kind === "whisper") places.known[seq] = shown.seq;
  else if (shown.target !== undefined) shown.target = places.known[shown.target] || 0;
  return shown;
}

/** Returns the seq of a whisper in its inbox; `undefined` for any other event. */
export function whisperSeq(event: RoomEvent): number | undefined {
  return (event as PlacedEvent).whisper;
}

/** Returns the seq of a whisper in the room, and notes that it is shown. */
export function placeOfWhisper(places: WhisperPlaces, whisper: Mark): number {
  const place = betweenSeqs(places, whisper);
  places.known[whisper.seq] = place;
  return place;
}

function betweenSeqs({ marks }: WhisperPlaces, { seq, at }: Mark): number {
  return baseOf(marks, at) + Math.min(seq, MOST_WHISPERS - 1) / MOST_WHISPERS;
}

/** Notes when an event of the room was sent. Nearly always it is the last one. */
export function mark(places: WhisperPlaces, one: Mark): void {
  const { marks } = places;
  let index = marks.length;
  while (index > 0 && (marks[index - 1] as Mark).seq > one.seq) index--;
  const before = marks[index - 1];
  if (before !== undefined && before.seq === one.seq) before.at = one.at;
  else places.marks = marks.slice(0, index).concat([one], marks.slice(index));
  if (places.marks.length > MOST_MARKS) places.marks = places.marks.slice(MOST_MARKS / 2);
}

/** Forgets a whisper whose line is gone, so that it can be shown again. */
export function forgetWhisper({ known }: WhisperPlaces, seq: number): void {
  known[seq] = 0;
}

/** Returns the seq of the oldest whisper that is shown, 0 if there is none. */
export function oldestWhisper({ known }: WhisperPlaces): number {
  let oldest = 0;
  for (const seq in known)
    if (isOwn(known, seq) && (known[seq] || 0) > 0 && (oldest === 0 || Number(seq) < oldest)) oldest = Number(seq);
  return oldest;
}

/** Returns the events of a page with its whispers that are not shown, in the order of time. */
export function withWhispers(places: WhisperPlaces, { events, whispers = [] }: WhisperedPage): RoomEvent[] {
  const all: RoomEvent[] = [];
  for (let i = 0; i < events.length; i++) mark(places, events[i] as RoomEvent);
  let next = 0;
  for (let i = 0; i <= events.length; i++) {
    const event = events[i];
    for (; next < whispers.length && (!event || (whispers[next] as RoomEvent).at < event.at); next++) {
      const whisper = placed(places, whispers[next] as RoomEvent);
      if (whisper) all.push(whisper);
    }
    if (event) all.push(event);
  }
  return all;
}

/** The part of a session that brings events. */
type Bringing = { on(name: "event", listener: (event: RoomEvent) => void): void };

/** Lets a session bring whispers with their places in the room. */
export function placeWhispers<Reader extends Bringing>(session: Reader, places: WhisperPlaces): Reader {
  const { on } = session;
  let latest: RoomEvent | undefined;
  let shown: RoomEvent | undefined;
  const once = (event: RoomEvent) => {
    if (event !== latest) shown = placed(places, event);
    latest = event;
    return shown;
  };
  session.on = ((name: "event", listener: (event: RoomEvent) => void) =>
    on(
      name,
      name !== "event"
        ? listener
        : (event) => {
            const one = once(event);
            if (one) listener(one);
          },
    )) as Reader["on"];
  return session;
}

/**
 * Returns how far a log is read, as one number: the last seq of the room, and that of the inbox as
 * a fraction.
 */
export function readUpTo(seq: number, whisper = 0): number {
  return Math.floor(seq) + Math.min(whisper, MOST_WHISPERS - 1) / MOST_WHISPERS;
}

/** Returns the position after an event is read, too. */
export function readOn(read: number, { seq, whisper = 0 }: PlacedEvent): number {
  const own = read % 1;
  return whisper > 0 ? Math.max(read, readUpTo(read, whisper)) : Math.max(Math.floor(read), seq) + own;
}

/**
 * Whether a line came later than what is read. Its seq would not say that of a whisper, whose place
 * depends on the lines around it.
 */
export function isAfter(read: number, seq: number, whisper: number): boolean {
  return whisper > 0 ? readUpTo(0, whisper) > read % 1 : seq > read;
}

/** Returns the last event that was sent at a time or before. */
function baseOf(marks: Mark[], at: string): number {
  let index = marks.length;
  while (index > 0 && (marks[index - 1] as Mark).at > at) index--;
  if (index > 0) return (marks[index - 1] as Mark).seq;
  const first = marks[0];
  return first === undefined ? 0 : first.seq - 1;
}
