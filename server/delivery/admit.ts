import type { ByeSignal, ResetSignal } from "../../protocol/event.ts";
import type { Actor } from "../actor.ts";
import { type Account, catchUp } from "./catch-up.ts";
import type { Hub } from "./hub.ts";
import { type ReaderPosition, type ReaderStart, startOf } from "./positions.ts";
import { Reader, type ReaderTransport } from "./reader.ts";
import { retryMs } from "./retry.ts";
import type { Visitor } from "./slots.ts";
import type { Tail } from "./tail.ts";

/** A request to read, by whatever transport. */
export type ReadingRequest = {
  tails: Tail[];
  /**
   * All cursors of the request, of which the farthest counts; without one, it reads from now on.
   */
  cursors: string[];
  /** The first seqs that it may see of the first of `tails`, unless it may see all. */
  firsts?: number[] | undefined;
  /** Where it starts, if the answer already shows that. */
  start?: ReaderStart;
  memberId: string | undefined;
  /** May it read the whispers of that member? */
  readsWhispers: boolean;
  actor: Actor;
  /** The cookie of the browser that asks, if it has one. */
  browser: string | undefined;
  /** The nonce of the request, with which the client of a stream confirms it. */
  nonce?: string | undefined;
  visitor: Visitor;
  account: Account;
  /** Sends the reader away if it has lost the right to read since the request was checked. */
  recheck(reader: Reader): void;
  /**
   * Returns whether the client is gone. Its connection has had its `close` then, and will not have
   * another.
   */
  isGone(): boolean;
  /**
   * Does the node send such readers elsewhere? A poll is answered all the same, with its position.
   */
  isDraining?: boolean;
  /**
   * Begins the answer. `onOver` ends the reader, once the connection has ended or everything is
   * sent.
   */
  open(onOver: () => void): ReaderTransport;
  /** Sends the first signals, once the reader has a position. */
  greet?(reader: Reader, resets: ResetSignal[]): void;
  /** Ends a reader that could not be given a position, or could not catch up. */
  fail(reader: Reader, error: unknown): void;
};

type Admission = { bye?: ByeSignal | undefined; reader?: Reader };

/**
 * Admits a reader: opens its transport, takes a slot, finds its position, greets it, lets it catch
 * up and attaches it to its tails. Returns the reader; `bye`, with which to send the client away,
 * if the node is full or draining; neither if the client is gone.
 *
 * From that check to the slot nothing is awaited, so no reader on its way in is missed when all
 * others are sent away.
 */
export async function admit(hub: Hub, request: ReadingRequest): Promise<Admission> {
  const bye = reasonToWait(hub, request);
  if (bye !== undefined || request.isGone()) return { bye };
  let reader: Reader | undefined;
  let isOver = false;
  const transport = request.open(() => {
    isOver = true;
    if (reader) hub.remove(reader);
  });
  reader = new Reader(request.tails, transport, request.memberId);
  reader.readsWhispers = request.readsWhispers;
  reader.actor = request.actor;
  reader.nonce = request.nonce;
  reader.browser = request.browser;
  reader.network = request.visitor.networks[0];
  reader.slot = hub.slots.take(reader, request.visitor);
  hub.add(reader);
  if (isOver) hub.remove(reader);
  request.recheck(reader);
  try {
    await join(hub, reader, request);
  } catch (error) {
    request.fail(reader, error);
  }
  return { reader };
}

/** Returns why a visitor cannot be admitted now and when to come back; `undefined` if it can. */
export function reasonToWait(
  hub: Hub,
  { visitor, isDraining = false }: Pick<ReadingRequest, "visitor" | "isDraining">,
): ByeSignal | undefined {
  if (!isDraining && hub.slots.isOpenTo(visitor)) return undefined;
  const retry = retryMs(hub.readers.size);
  return isDraining ? { retry } : { retry, reason: "full" };
}

async function join(hub: Hub, reader: Reader, request: ReadingRequest): Promise<void> {
  if (!reader.isOpen) return;
  const { tails, cursors, account } = request;
  const { seqs, sums, resets } =
    request.start ?? (await startOf(hub.rooms, tails, { cursors, firsts: request.firsts }));
  // Gone meanwhile, or sent away.
  if (!reader.isOpen) return;
  reader.startAt(seqs, sums);
  for (const { reason } of resets) hub.countReset(reason);
  request.greet?.(reader, resets);
  await catchUp(hub, reader, account);
}

/**
 * Creates the reader of a poll on the fast path, whose connection has a slot and whose position is
 * in memory, so that admitting it awaits nothing.
 */
export function readerAt(
  { tails, seqs }: ReaderPosition,
  transport: ReaderTransport,
  memberId: string | undefined,
): Reader {
  const reader = new Reader(tails, transport, memberId);
  reader.startAt(seqs);
  return reader;
}

/**
 * Attaches such a reader to its tails. If they have events for it, it is sent them before this
 * returns.
 */
export function joinAtOnce(hub: Hub, reader: Reader): void {
  hub.add(reader);
  for (const tail of reader.tails) if (reader.isOpen) hub.attach(reader, tail);
}
