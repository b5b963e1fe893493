import type { Member, RoomEvent } from "../../protocol/event.ts";
import { HISTORY_EVENTS } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { createNonce } from "../core/base/environment.ts";
import { readOurs } from "../core/reading/poll.ts";
import { param } from "../core/reading/url.ts";
import { http } from "../transports/fetch.ts";
import { browser } from "./browser.ts";

const TIMEOUT_MS = 15_000;

/** Events, oldest first, and whether there is anything before them. */
export type HistoryPage = { events: RoomEvent[]; hasOlder: boolean };

/** A page of a room's past: what lies before `before`, or the newest. */
export async function readHistory(base: string, room: string, before: number | undefined): Promise<HistoryPage> {
  const place = before === undefined ? "" : param("before", String(before));
  const url = base + PATHS.messages(room) + param("limit", String(HISTORY_EVENTS)) + place;
  const { events, oldest } = (await read(url)) as { events: RoomEvent[]; oldest: number };
  return { events, hasOlder: events[0] !== undefined && events[0].seq > oldest };
}

/** Who is in a room just now. */
export async function readMembers(base: string, room: string): Promise<Member[]> {
  return ((await read(base + PATHS.roomState(room))) as { members: Member[] }).members;
}

/** Rejects what is no answer of the site's to this very request. */
function read(url: string): Promise<object> {
  const nonce = createNonce(browser);
  return new Promise((resolve, reject) => {
    http.ask({ method: "GET", url: url + param("n", nonce), timeoutMs: TIMEOUT_MS }, ({ status, text }) => {
      const ours = status === 200 ? readOurs(http, text, nonce) : undefined;
      if (ours === undefined) reject(new Error(`The site answered ${status}.`));
      else resolve(ours);
    });
  });
}
