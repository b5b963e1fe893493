import type { RoomEvent, TypingSignal } from "../../protocol/event.ts";
import type { Page } from "../page.ts";
import { fill } from "../words.ts";
import { part } from "./part.ts";

const TYPING_SHOWN_MS = 6_000;
// More messages at once are counted, because nobody can listen to them all.
const MOST_READ_ALOUD = 5;
// A screen reader reads a change aloud some time after it was made.
const ANNOUNCED_MS = 10_000;
const ANNOUNCEMENTS_APART_MS = 1_000;

/** Announces messages next to the log: read aloud, in the title, and above the field. */
export type Notices = {
  /** These events are shown now. Some may be new. */
  noteNew(events: RoomEvent[]): void;
  /** Others have just sent these messages. */
  announce(messages: RoomEvent[]): void;
  typing(signal: TypingSignal): void;
};

/** Creates the notices of a page. The reader is never shown as typing. */
export function createNotices(page: Page): Notices {
  const { me, words } = page;
  const typing = part("typing");
  const sentAt = new Map<string, number>();
  const readAloud = createAnnouncer(page);
  let timer: ReturnType<typeof setTimeout> | undefined;

  return {
    noteNew: createUnread(page),
    announce(messages) {
      for (const { member } of messages) sentAt.set(member.nickname, Date.now());
      clearTyping();
      readAloud(messages);
    },
    typing(signal) {
      const nicknames = signal.nicknames
        .filter((nickname) => nickname !== me.nickname && !hasJustSent(nickname))
        .slice(0, 3);
      typing.replaceChildren(...(nicknames.length === 0 ? [] : typingWords(words.typing, nicknames)));
      clearTimeout(timer);
      timer = setTimeout(clearTyping, TYPING_SHOWN_MS);
    },
  };

  // The server counts a member as typing for 5 s, even if the message has arrived meanwhile.
  function hasJustSent(nickname: string): boolean {
    return Date.now() - (sentAt.get(nickname) || 0) < TYPING_SHOWN_MS;
  }

  function clearTyping(): void {
    clearTimeout(timer);
    typing.textContent = "";
  }
}

/** Returns the sentence about people who are typing. Each name has a direction of its own. */
function typingWords(sentence: string, nicknames: string[]): (Node | string)[] {
  const [before = "", after = ""] = sentence.split("{nicknames}");
  const names = nicknames.flatMap((nickname, index) => {
    const name = document.createElement("bdi");
    name.translate = false;
    name.textContent = nickname;
    return index === 0 ? [name] : [", ", name];
  });
  return [before, ...names, after];
}

/**
 * Counts in the title what others have said since the page was last visible, whatever way it
 * arrived.
 */
function createUnread({ me, lastSeq }: Page): (events: RoomEvent[]) => void {
  const { title } = document;
  let counted = lastSeq;
  let unread = 0;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    unread = 0;
    document.title = title;
  });
  return (events) => {
    for (const { seq, kind, member } of events) {
      if (seq > counted && document.hidden && kind === "message" && member.id !== me.id) unread++;
      counted = Math.max(counted, seq);
    }
    const shown = unread === 0 ? title : `(${unread}) ${title}`;
    if (document.title !== shown) document.title = shown;
  };
}

/**
 * Adds messages to the region that is read aloud, each once. [field notes] With role=log, some
 * screen readers read everything again.
 */
function createAnnouncer({ words }: Page): (messages: RoomEvent[]) => void {
  const region = part("announcer");
  let waiting: RoomEvent[] = [];
  let readAt = 0;
  let isWaiting = false;
  return (messages) => {
    waiting = waiting.concat(messages);
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(read, readAt + ANNOUNCEMENTS_APART_MS - Date.now());
  };

  function read(): void {
    readAt = Date.now();
    isWaiting = false;
    const texts =
      waiting.length > MOST_READ_ALOUD
        ? [fill(words.announced, { n: waiting.length })]
        : waiting.map(({ member, text = "" }) => `${member.nickname}: ${text}`);
    waiting = [];
    for (const text of texts) {
      const element = document.createElement("p");
      element.textContent = text;
      region.append(element);
      setTimeout(() => element.remove(), ANNOUNCED_MS);
    }
  }
}
