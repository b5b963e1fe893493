import type { RoomEvent, TypingSignal } from "../../protocol/event.ts";
import type { ScriptWords } from "../words.ts";
import { part } from "./part.ts";

const TYPING_SHOWN_MS = 6_000;

/** Announces messages next to the log: read aloud, in the title, and above the field. */
export type Notices = {
  /** Somebody else has just sent a message. */
  heard(event: RoomEvent): void;
  typing(signal: TypingSignal): void;
};

/** Creates the notices. `myName` is never shown as typing. */
export function createNotices(words: ScriptWords, myName: string): Notices {
  const spoken = part("spoken");
  const typing = part("typing");
  const title = document.title;
  const sentAt = new Map<string, number>();
  let unread = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    unread = 0;
    document.title = title;
  });
  return {
    heard(event) {
      // [field notes] With role=log, some screen readers read everything again. One line at a time
      // in a region of its own works.
      spoken.textContent = `${event.member.nickname}: ${event.text || ""}`;
      sentAt.set(event.member.nickname, Date.now());
      clearTyping();
      if (!document.hidden) return;
      unread++;
      document.title = `(${unread}) ${title}`;
    },
    typing(signal) {
      const nicknames = signal.nicknames
        .filter((nickname) => nickname !== myName && !hasJustSent(nickname))
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
