import type { Member, RoomEvent } from "../../protocol/event.ts";
import { foldSentence, folds, SHORTEST_FOLD } from "../../protocol/fold.ts";
import { fill, type ScriptWords } from "../words.ts";
import { part } from "./part.ts";

// More messages at once are counted, because nobody can listen to them all.
const MOST_READ_ALOUD = 5;
// A screen reader reads a change aloud some time after it was made.
const ANNOUNCED_MS = 10_000;
const ANNOUNCEMENTS_APART_MS = 1_000;
// A crowd that comes is one sentence, when nobody more came for a moment.
const CROWD_QUIET_MS = 2_000;
const LONGEST_CROWD_MS = 15_000;

/** A text to read aloud, and the seq of its event if it is about one. */
type Announced = { text: string; seq?: number };

/**
 * Returns a function that has the region of the page read events aloud, each once. [field notes]
 * With role=log, some screen readers read everything again.
 */
export function createAnnouncer(words: ScriptWords): (events: RoomEvent[]) => void {
  const { say, withdraw } = createVoice();
  const announceMoves = createMoves(words, (texts) => say(texts.map((text) => ({ text }))));
  let waiting: Announced[] = [];
  let messages = 0;
  let readAt = 0;
  let isWaiting = false;
  let announced = 0;

  return (events) => {
    const fresh = events.filter(({ seq }) => seq > announced);
    announced = fresh[fresh.length - 1]?.seq ?? announced;
    announceMoves(fresh.filter(({ kind }) => folds(kind) || kind === "unname"));
    for (const event of fresh) {
      // A former text or name is nowhere in the page once it is edited or erased.
      const { target } = event as { target?: number };
      waiting = waiting.filter(({ seq }) => seq !== target && event.kind !== "unname");
      if (target) withdraw(target);
      if (event.kind === "unname") part("announcer").replaceChildren();
      const text = sentenceOf(event, words);
      if (text === undefined) continue;
      waiting.push({ text, seq: event.seq });
      messages++;
    }
    if (isWaiting || messages === 0) return;
    isWaiting = true;
    setTimeout(read, readAt + ANNOUNCEMENTS_APART_MS - Date.now());
  };

  function read(): void {
    readAt = Date.now();
    isWaiting = false;
    say(messages > MOST_READ_ALOUD ? [{ text: fill(words.announced, { n: messages }) }] : waiting);
    waiting = [];
    messages = 0;
  }
}

/** Returns what is read aloud for an event. Coming and going is announced otherwise. */
function sentenceOf(event: RoomEvent, words: ScriptWords): string | undefined {
  const { kind, member, text, by } = event as { kind: string; member: Member; text?: string; by?: string };
  const { nickname } = member;
  if (kind === "whisper") return `${nickname} ${words.whisperToMe}: ${text}`;
  if (kind === "edit") return fill(words.announcedEdit, { nickname });
  if (kind === "erase" && by === undefined) return fill(words.announcedErase, { nickname });
  return text === undefined || folds(kind) ? undefined : `${nickname}: ${text}`;
}

/** Returns a function that announces people who come and go: a few by name, a crowd by number. */
function createMoves(words: ScriptWords, say: (texts: string[]) => void): (moves: RoomEvent[]) => void {
  let waiting: RoomEvent[] = [];
  let firstAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (events) => {
    for (const { kind, member } of events)
      if (kind === "unname") waiting = waiting.filter((move) => move.member.id !== member.id);
    const moves = events.filter(({ kind }) => folds(kind));
    if (moves.length === 0) return;
    if (waiting.length === 0) firstAt = Date.now();
    waiting = waiting.concat(moves);
    clearTimeout(timer);
    const longestMs = firstAt + LONGEST_CROWD_MS - Date.now();
    timer = setTimeout(read, Math.max(0, Math.min(CROWD_QUIET_MS, longestMs)));
  };

  function read(): void {
    const enters = waiting.filter(({ kind }) => kind === "enter").length;
    const leaves = waiting.length - enters;
    say(
      waiting.length < SHORTEST_FOLD
        ? waiting.map(({ kind, member }) => `${member.nickname}: ${kind === "enter" ? words.entered : words.left}`)
        : [fill(words[foldSentence(enters, leaves)], { enters, leaves })],
    );
    waiting = [];
  }
}

/** Adds texts to the region, and removes them when they were read, or are withdrawn. */
function createVoice(): { say(all: Announced[]): void; withdraw(seq: number): void } {
  const region = part("announcer");
  const shown = new Map<number, Element>();
  return {
    say(all) {
      for (const { text, seq } of all) {
        const element = document.createElement("p");
        element.textContent = text;
        region.append(element);
        if (seq) shown.set(seq, element);
        setTimeout(() => {
          element.remove();
          if (seq) shown.delete(seq);
        }, ANNOUNCED_MS);
      }
    },
    withdraw: (seq) => shown.get(seq)?.remove(),
  };
}
