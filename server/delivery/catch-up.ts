import type { ResetSignal } from "../../protocol/event.ts";
import { type EncodedEvent, encodeEvent, frameOf } from "./frames.ts";
import type { Hub } from "./hub.ts";
import { FREE_BYTES } from "./positions.ts";
import type { Reader } from "./reader.ts";
import { PAGE_BYTES } from "./rooms.ts";
import type { Tail } from "./tail.ts";

/** Pays for a reader's catching up. */
export type Account = {
  /** The network whose turn it is to read from the log. */
  network: string;
  /** Charges pages of PAGE_BYTES, also parts of one. Throws a refusal if that is too many. */
  charge(pages: number): void;
};

/**
 * Sends a reader that has a position everything up to its tails, and attaches it to them. From "the
 * tail is a page away" to "it is among the tail's readers" nothing is awaited, so backlog and live
 * events neither overlap nor leave a gap.
 */
export async function catchUp(hub: Hub, reader: Reader, account: Account): Promise<void> {
  // An inbox may be added meanwhile.
  for (let n = 0; n < reader.tails.length; n += 1) {
    const tail = reader.tails[n] as Tail;
    while (reader.isOpen && !isNear(reader, tail)) {
      account.charge(1);
      const page = await readPage(hub, reader, { tail, network: account.network });
      if (!reader.isOpen) return;
      const events = beforeGap(page, reader.seqIn(tail));
      if (events.length > 0) await writePage(reader, tail, events);
      else await skipGap(hub, reader, { tail, next: page[0] });
    }
    if (!reader.isOpen) return;
    const bytes = tail.bytesAfter(reader.seqIn(tail));
    if (bytes > FREE_BYTES) account.charge(bytes / PAGE_BYTES);
    hub.attach(reader, tail);
  }
}

/** Returns whether the reader's backlog is in memory and fits into one page. */
function isNear(reader: Reader, tail: Tail): boolean {
  const seq = reader.seqIn(tail);
  return tail.reaches(seq) && tail.bytesAfter(seq) <= PAGE_BYTES;
}

async function readPage(hub: Hub, reader: Reader, { tail, network }: { tail: Tail; network: string }) {
  const after = reader.seqIn(tail);
  if (tail.reaches(after)) return firstPage(tail.eventsAfter(after));
  return (await hub.rooms.readPage(tail, after, network)).map(encodeEvent);
}

/** Returns a page up to its first gap: events were pruned meanwhile, or deleted by hand. */
function beforeGap(page: EncodedEvent[], after: number): EncodedEvent[] {
  return page.filter((event, index) => event.seq === after + 1 + index);
}

/** A page holds one event in any case. */
function firstPage(events: EncodedEvent[]): EncodedEvent[] {
  let bytes = 0;
  return events.filter((event, index) => {
    bytes += event.bytes;
    return index === 0 || bytes <= PAGE_BYTES;
  });
}

/** Resolves when the client has read enough to be sent the next page. */
async function writePage(reader: Reader, tail: Tail, events: EncodedEvent[]): Promise<void> {
  const frame = frameOf(reader.transport.format, events, (event) => reader.cursorAfter(tail, event));
  reader.moveTo(tail, events.at(-1) as EncodedEvent);
  reader.transport.write(frame, reader);
  await reader.transport.drained();
}

/**
 * Moves the reader to the next event that is kept, or to the head if there is none. Its client
 * learns of the gap by a reset.
 */
async function skipGap(
  hub: Hub,
  reader: Reader,
  { tail, next }: { tail: Tail; next: EncodedEvent | undefined },
): Promise<void> {
  const { head } = await hub.rooms.bounds(tail);
  const oldest = next?.seq ?? head + 1;
  hub.countReset("pruned");
  reader.moveTo(tail, { seq: oldest - 1 });
  const reset: ResetSignal = { room: tail.slug, reason: "pruned", cursor: reader.cursor(), oldest, head };
  reader.transport.signal({ name: "reset", data: [reset] }, reader);
}
