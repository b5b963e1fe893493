import { PATHS } from "../protocol/paths.ts";
import type { Access } from "./core/base/access.ts";
import { param } from "./core/base/address.ts";
import { askOnce } from "./core/history.ts";
import { fill } from "./words.ts";

/** A person in the lobby. */
export type PersonInLobby = { nickname: string; color: string };

/**
 * A room in the lobby. `lastAt` is the time of its last message or notice, RFC 3339 UTC, and
 * `words` the beginning of its last message. `people` are some of the members.
 */
export type RoomInLobby = {
  slug: string;
  title: string;
  members: number;
  visitors: number;
  lastAt: string | null;
  people: PersonInLobby[];
  words: (PersonInLobby & { text: string }) | null;
};

/** The words of a list of rooms, and the markup of a room in it. `{…}` is replaced by values. */
export type LobbyWords = {
  item: string;
  figures: string;
  last: string;
  none: string;
  nobody: string;
  more: string;
  now: string;
};

/** The list of rooms, read again and again while the page is visible. */
export type LiveLobby = {
  /** The page is visible again, or the network may be back: reads at once. */
  wake(): void;
  close(): void;
};

// An answer comes after 8 to 11 s, so that pages that were opened together do not ask together. It
// comes at once when a text was erased, which must not stay on an open page.
const WAIT_SECONDS = 8;
const JITTER_SECONDS = 4;
// After an answer that came sooner, it is asked again for what was missed between the two.
const SOON_MS = 1_000;
// After a failure, it is asked again after 10 to 15 s, and then ever more seldom.
const PAUSE_MS = 10_000;
const JITTER_MS = 5_000;
const LONGEST_MS = 120_000;
// Several signs of waking come together.
const APART_MS = 2_000;

/** Reads the list of rooms until it is closed, and passes it on whenever it has changed. */
export function followLobby(
  access: Access,
  { hidden, show }: { hidden(): boolean; show(rooms: RoomInLobby[]): void },
): LiveLobby {
  const { environment } = access;
  let version = "";
  let failures = 0;
  let askedAt = environment.now();
  let asks = 0;
  let isClosed = false;
  let stopTimer = () => {};
  waitForNext();
  return {
    wake() {
      if (Math.abs(environment.now() - askedAt) > APART_MS) ask(0);
    },
    close() {
      isClosed = true;
      stopTimer();
    },
  };

  function waitForNext(): void {
    ask(WAIT_SECONDS + Math.floor(environment.random() * JITTER_SECONDS));
  }

  // A hidden page asks again when it is looked at.
  function ask(seconds: number): void {
    stopTimer();
    if (isClosed || hidden()) return;
    const own = ++asks;
    askedAt = environment.now();
    const known = version === "" ? "" : param("known", version);
    const wait = seconds === 0 ? "" : param("wait", String(seconds));
    askOnce(access, PATHS.rooms + known + wait, (status, ours) => {
      // Another question was asked meanwhile.
      if (isClosed || own !== asks) return;
      const list = status === 200 ? (ours as { rooms?: RoomInLobby[]; version: string } | undefined) : undefined;
      failures = list === undefined ? failures + 1 : 0;
      if (list !== undefined) version = list.version;
      if (list?.rooms !== undefined) show(list.rooms);
      if (failures > 0) stopTimer = environment.later(pauseMs(), waitForNext);
      // One that was erased is often one of many, and others may go before this page asks again.
      else if (environment.now() - askedAt < seconds * 1_000 - SOON_MS)
        stopTimer = environment.later(SOON_MS, () => ask(0));
      else waitForNext();
    });
  }

  function pauseMs(): number {
    return Math.min(LONGEST_MS, PAUSE_MS * (1 << Math.min(failures - 1, 4))) + environment.random() * JITTER_MS;
  }
}

/** Returns the markup of a room, as the server writes it. */
export function roomMarkup({ item }: LobbyWords, { slug, title }: RoomInLobby): string {
  return item.replace(/\{(slug|path|title)\}/g, (_, name: string) => {
    if (name === "path") return encodeURIComponent(slug);
    return escapeMarkup(name === "slug" ? slug : title);
  });
}

/** Returns the words for the numbers of people in a room. */
export function figuresOf({ figures }: LobbyWords, { members, visitors }: RoomInLobby): string {
  return fill(figures, { members, visitors });
}

/** Returns the words for the numbers of people in all rooms. */
export function totalOf({ now }: LobbyWords, rooms: RoomInLobby[]): string {
  let members = 0;
  let visitors = 0;
  for (let i = 0; i < rooms.length; i++) {
    members += (rooms[i] as RoomInLobby).members;
    visitors += (rooms[i] as RoomInLobby).visitors;
  }
  return fill(now, { members, visitors });
}

function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
