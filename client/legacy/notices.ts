import type { Member, RoomEvent } from "../../protocol/event.ts";
import { foldSentence, folds, SHORTEST_FOLD } from "../../protocol/fold.ts";
import { mentions } from "../../protocol/mention.ts";
import { environment } from "../environment.ts";
import type { Page } from "../page.ts";
import { fill, type ScriptWords } from "../words.ts";
import { createAlerts } from "./alerts.ts";
import type { Attention } from "./attention.ts";
import { clear, create, part, remove } from "./dom.ts";
import { openSettings } from "./settings.ts";

// More messages at once are counted, because nobody can listen to them all.
const MOST_READ_ALOUD = 5;
// A screen reader reads a change aloud some time after it was made.
const ANNOUNCED_MS = 10_000;
// A crowd that comes is one sentence, when nobody more came for a moment.
const CROWD_QUIET_MS = 2_000;

type OldNotices = {
  /** Some of these events may be known. */
  noteNew(events: RoomEvent[]): void;
  /** These events of others have just happened. */
  announce(events: RoomEvent[]): void;
};

/**
 * Creates the notices: what others have said since the page was last looked at is counted in the
 * title, and what they have just done is read aloud.
 */
export function createNotices(page: Page, attention: Attention): OldNotices {
  const { title } = document;
  const announceMoves = createMoves(page.words);
  const alerts = createAlerts(page, attention);
  openSettings(page, alerts);
  let counted = page.lastSeq;
  let unread = 0;
  let mentioned = 0;
  let spoken: Announced[] = [];

  attention.onChange(() => {
    if (!attention.isHere()) return;
    unread = 0;
    mentioned = 0;
    document.title = title;
  });
  return {
    noteNew(events) {
      for (let i = 0; i < events.length; i++) {
        const { seq, kind, member, text = "" } = events[i] as RoomEvent;
        if (seq <= counted) continue;
        counted = seq;
        if ((kind !== "message" && kind !== "whisper") || member.id === page.me.id) continue;
        const isMention = kind === "whisper" || mentions(text, page.me.nickname);
        alerts.alert(events[i] as RoomEvent, isMention);
        if (attention.isHere()) continue;
        unread++;
        if (isMention) mentioned++;
      }
      const mark = mentioned === 0 ? "" : `@${mentioned} `;
      if (unread > 0) document.title = `(${unread}) ${mark}${title}`;
    },
    announce(events) {
      let all: Announced[] = [];
      for (let i = 0; i < events.length; i++) {
        const { seq, target, kind, member, text, by } = events[i] as Fields;
        const { nickname } = member;
        // A former text or name is nowhere in the page once it is edited or erased.
        if (kind === "unname") {
          all = [];
          clear(part("announcer"));
          announceMoves(events[i] as RoomEvent);
        }
        if (target !== undefined) all = without(all, target);
        if (target !== undefined) spoken = without(spoken, target);
        if (folds(kind)) announceMoves(events[i] as RoomEvent);
        else if (kind === "edit") all.push({ text: fill(page.words.announcedEdit, { nickname }) });
        else if (kind === "erase") {
          if (by === undefined) all.push({ text: fill(page.words.announcedErase, { nickname }) });
        } else if (text !== undefined) {
          const to = kind === "whisper" ? ` ${page.words.whisperToMe}` : "";
          all.push({ seq, text: `${nickname + to}: ${text}` });
        }
      }
      if (all.length > MOST_READ_ALOUD) readAloud(fill(page.words.announced, { n: all.length }));
      else for (let i = 0; i < all.length; i++) speak(all[i] as Announced);
    },
  };

  function speak(one: Announced): void {
    const { seq } = one;
    one.element = readAloud(one.text);
    if (seq === undefined) return;
    spoken.push(one);
    environment.later(ANNOUNCED_MS, () => {
      spoken = without(spoken, seq);
    });
  }
}

type Fields = { seq: number; target?: number; kind: string; member: Member; text?: string; by?: string };

/** A text to read aloud: the seq of its message, and the element that has the text. */
type Announced = { seq?: number; text: string; element?: PageElement };

/** Returns all except those of a message, and removes their elements. */
function without(all: Announced[], seq: number): Announced[] {
  const others: Announced[] = [];
  for (let i = 0; i < all.length; i++) {
    const one = all[i] as Announced;
    if (one.seq !== seq) others.push(one);
    else if (one.element) remove(one.element);
  }
  return others;
}

/** Returns a function that announces people who come and go: a few by name, a crowd by number. */
function createMoves(words: ScriptWords): (move: RoomEvent) => void {
  let waiting: RoomEvent[] = [];
  let stop = () => {};
  return (move) => {
    if (move.kind === "unname") {
      const others: RoomEvent[] = [];
      for (let i = 0; i < waiting.length; i++)
        if ((waiting[i] as RoomEvent).member.id !== move.member.id) others.push(waiting[i] as RoomEvent);
      waiting = others;
      return;
    }
    waiting.push(move);
    stop();
    stop = environment.later(CROWD_QUIET_MS, () => {
      let enters = 0;
      for (let i = 0; i < waiting.length; i++) {
        const { kind, member } = waiting[i] as RoomEvent;
        if (kind === "enter") enters++;
        if (waiting.length < SHORTEST_FOLD)
          readAloud(`${member.nickname}: ${kind === "enter" ? words.entered : words.left}`);
      }
      const leaves = waiting.length - enters;
      if (waiting.length >= SHORTEST_FOLD) readAloud(fill(words[foldSentence(enters, leaves)], { enters, leaves }));
      waiting = [];
    });
  };
}

// One element for each, because a screen reader would miss what is replaced before it was read.
function readAloud(text: string): PageElement {
  const element = part("announcer").appendChild(create("p", "", text));
  environment.later(ANNOUNCED_MS, () => remove(element));
  return element;
}
