import type { RoomEvent, TypingSignal } from "../../protocol/event.ts";
import { isSaid } from "../../protocol/line.ts";
import { mentions } from "../../protocol/mention.ts";
import type { Page } from "../page.ts";
import { createAlerts } from "./alerts.ts";
import { createAnnouncer } from "./announcer.ts";
import type { ChoiceStore } from "./choices.ts";
import { part } from "./part.ts";
import type { Bell } from "./sound.ts";
import { createTitleCount } from "./title.ts";
import { withdraw } from "./withdraw.ts";

const TYPING_SHOWN_MS = 6_000;

/** Announces messages next to the log: read aloud, in the title, by sound, and above the field. */
export type Notices = {
  /** These events have just been read. Some may be known. */
  noteNew(events: RoomEvent[]): void;
  /** These events of others have just happened, and are shown. */
  announce(events: RoomEvent[]): void;
  typing(signal: TypingSignal): void;
  /** Removes a text or a name that was edited or erased from everything around the log. */
  withdraw(change: RoomEvent): void;
  bell: Bell;
  /** The room is left. */
  close(): void;
};

/** Creates the notices of a page. The reader is never shown as typing. */
export function createNotices(page: Page, choices: ChoiceStore): Notices {
  const { words } = page;
  const typing = part("typing");
  const sentAt = new Map<string, number>();
  const readAloud = createAnnouncer(words);
  const alerts = createAlerts(page, choices);
  const title = createTitleCount();
  let noted = page.lastSeq;
  let timer: ReturnType<typeof setTimeout> | undefined;

  return {
    bell: alerts.bell,
    close: alerts.close,
    withdraw(change) {
      alerts.withdraw(change);
      withdraw(change, words);
    },
    noteNew(events) {
      for (const event of events) {
        if (event.seq <= noted) continue;
        noted = event.seq;
        // Dice answer with a notice.
        if (!isSaid(event.kind) || event.member.id === page.me.id) continue;
        const isMention = event.kind === "whisper" || mentions(event.text || "", page.me.nickname);
        title.count(isMention);
        notifyFrame(event.seq);
        alerts.alert(event, isMention);
      }
    },
    announce(events) {
      for (const { kind, member } of events) if (kind === "message") sentAt.set(member.nickname, Date.now());
      clearTyping();
      readAloud(events);
    },
    typing(signal) {
      const nicknames = signal.nicknames
        .filter((nickname) => nickname !== page.me.nickname && !hasJustSent(nickname))
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

/** A page that shows this one in a frame may count the messages that its visitor has not seen. */
function notifyFrame(seq: number): void {
  if (parent !== window) parent.postMessage({ chattera: "message", seq }, "*");
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
