import type { Member, RoomEvent, SkippedRun } from "../../protocol/event.ts";
import { HISTORY_MESSAGES } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Access } from "./base/access.ts";
import { param, placed } from "./base/address.ts";
import { createNonce } from "./base/environment.ts";
import { type Request, readOurs } from "./base/http.ts";
import { createBackoff, nextDelay } from "./network/backoff.ts";

/** The history of a room. */
export type History = {
  access: Access;
  room: string;
  /** How often all was read again. Answers to earlier requests are dropped. */
  readings: number;
};

/**
 * A page of a room's log, oldest first. `skipped` are the parts of long runs of coming and going
 * that it leaves out, if there are any. `oldest` is the first seq that the log still has.
 * `whispers` are the reader's own of its time. If `moreWhispers`, there are older ones.
 */
export type HistoryPage = {
  events: RoomEvent[];
  skipped?: SkippedRun[];
  oldest: number;
  whispers?: RoomEvent[];
  moreWhispers?: boolean;
};

/**
 * A page of a room's log around the event `seq`, which is left out if no message was sent since the
 * moment that was asked for. `isNewest` if nothing follows it.
 */
export type HistoryAround = HistoryPage & { isNewest: boolean; seq?: number };

const TIMEOUT_MS = 15_000;

/**
 * Reads the page of the log before a seq, or the newest, with the whispers before that seq of the
 * inbox, if it is not 0. `done` gets `undefined` if that fails.
 */
export function readOlder(
  history: History,
  { before, whispers }: { before: number | undefined; whispers: number },
  done: (page: HistoryPage | undefined) => void,
): void {
  const of = before === undefined ? "" : param("before", String(Math.ceil(before)));
  read(history, pathOf(history) + of + (whispers > 0 ? param("whispers", String(whispers)) : ""), done);
}

/**
 * Reads the page around an event or a moment. `where` is the parameter that names it. `done` gets
 * `undefined` if that fails.
 */
export function readAround(history: History, where: string, done: (page: HistoryAround | undefined) => void): void {
  read(history, pathOf(history) + where, done);
}

/** Reads the newest page and the room's state until it has both: the log cannot be continued. */
export function readAgain(
  history: History,
  showPage: (page: HistoryPage) => void,
  showState: (state: { members: Member[] }) => void,
): void {
  history.readings++;
  untilRead(history, pathOf(history), showPage);
  untilRead(history, PATHS.roomState(history.room), showState);
}

/** Whether the log has anything before a page. */
export function hasOlder({ events, oldest, moreWhispers }: HistoryPage): boolean {
  return moreWhispers === true || (events[0] !== undefined && events[0].seq > oldest);
}

/** Makes one request. `done` gets its status, and the JSON of an answer that is the site's own. */
export function askOnce(access: Access, path: string, done: (status: number, ours?: object) => void): void {
  const { environment, http, address } = access;
  const nonce = createNonce(environment);
  const url = placed(address, address.base + path + param("n", nonce));
  const asked: Request = { method: "GET", url, timeoutMs: TIMEOUT_MS };
  // Where the cookie is lost, it shows whose whispers to read.
  if (address.token !== undefined) asked.token = address.token;
  http.ask(asked, ({ status, text }) => done(status, readOurs(http, text, nonce)));
}

function pathOf({ room }: History): string {
  return PATHS.messages(room) + param("limit", String(HISTORY_MESSAGES));
}

function read<Kind>(history: History, path: string, done: (found: Kind | undefined) => void): void {
  const { readings } = history;
  askOnce(history.access, path, (status, ours) => {
    if (readings === history.readings) done(status === 200 ? (ours as Kind | undefined) : undefined);
  });
}

function untilRead<Kind>(history: History, path: string, show: (found: Kind) => void): void {
  const { readings } = history;
  const { environment } = history.access;
  const backoff = createBackoff(environment);
  const attempt = () => {
    if (readings !== history.readings) return;
    read<Kind>(history, path, (found) => {
      if (found) show(found);
      else environment.later(nextDelay(backoff), attempt);
    });
  };
  attempt();
}
