import type { RoomEvent, TypingSignal } from "../../protocol/event.ts";
import { part } from "./page.ts";
import { fill, type Words } from "./words.ts";

const TYPING_SHOWN_MS = 6_000;

/** What is told beside the log: aloud, in the title, above the field. */
export type Notices = {
  /** Somebody else said something just now. */
  heard(event: RoomEvent): void;
  typing(signal: TypingSignal): void;
};

/** `myName` is left out of those who are typing. */
export function createNotices(words: Words, myName: string): Notices {
  const spoken = part("spoken");
  const typing = part("typing");
  const title = document.title;
  const heardAt = new Map<string, number>();
  let unread = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    unread = 0;
    document.title = title;
  });
  return {
    heard(event) {
      // [field notes] role=log makes some screen readers read all again; one line at a time in a region of its own works
      spoken.textContent = `${event.member.nickname}: ${event.text ?? ""}`;
      heardAt.set(event.member.nickname, Date.now());
      clearTyping();
      if (!document.hidden) return;
      unread++;
      document.title = `(${unread}) ${title}`;
    },
    typing(signal) {
      const nicknames = signal.nicknames
        .filter((nickname) => nickname !== myName && !hasJustSpoken(nickname))
        .slice(0, 3);
      typing.textContent = nicknames.length === 0 ? "" : fill(words.typing, { nicknames: nicknames.join(", ") });
      clearTimeout(timer);
      timer = setTimeout(clearTyping, TYPING_SHOWN_MS);
    },
  };

  /** The server still counts as typing who said so within 5 s, and who has just spoken is done. */
  function hasJustSpoken(nickname: string): boolean {
    return Date.now() - (heardAt.get(nickname) ?? 0) < TYPING_SHOWN_MS;
  }

  function clearTyping(): void {
    clearTimeout(timer);
    typing.textContent = "";
  }
}
