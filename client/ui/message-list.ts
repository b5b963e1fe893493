import type { RoomEvent } from "../../protocol/event.ts";
import { SAME_SPEAKER_MS } from "../../protocol/line.ts";
import type { Remark } from "../core/sending/outbox.ts";
import { lineOf, lineOfEvent, settle } from "./line.ts";
import { type Page, part } from "./page.ts";
import type { Scroll } from "./scroll.ts";

const MOST_LINES = 500;
// Who reads older lines is not to lose them to the newer ones.
const MOST_WHILE_READING = 5_000;

/** The log on the screen: lines in the order of their seq, below them the reader's own messages without a receipt. */
export type MessageList = {
  /** Shows an event unless it is there already; says whether it is new. */
  add(event: RoomEvent): boolean;
  addOlder(events: RoomEvent[]): void;
  /** Takes all lines of the log away; what is not yet sent stays. */
  clear(): void;
  oldestSeq(): number | undefined;
  /** Does the log show the message of this client id? */
  has(id: string): boolean;
  /** Shows a message on its way, or how it stands with it. */
  showRemark(remark: Remark): void;
  /** The receipt: the message is an event now. */
  settleRemark(event: RoomEvent): void;
  removeRemark(id: string): void;
};

/** The list that the server has begun. `act`: the buttons of a refused message. */
export function createMessageList(
  page: Page,
  scroll: Scroll,
  act: { resend(id: string): void; discard(id: string): void },
): MessageList {
  const log = part("log");
  const pending = new Map<string, HTMLElement>();
  const lines = new Map<number, HTMLElement>();
  for (const line of log.querySelectorAll<HTMLElement>("[data-seq]")) lines.set(Number(line.dataset.seq), line);

  return {
    add(event) {
      if (lines.has(event.seq)) return false;
      const isAtNewest = scroll.keep(() => show(event));
      trim(isAtNewest ? MOST_LINES : MOST_WHILE_READING);
      return true;
    },
    addOlder(events) {
      for (const event of events) {
        if (!lines.has(event.seq)) show(event);
      }
    },
    clear() {
      for (const line of lines.values()) line.remove();
      lines.clear();
    },
    oldestSeq: () => (lines.size === 0 ? undefined : Math.min(...lines.keys())),
    has,
    showRemark(remark) {
      let line = pending.get(remark.id);
      if (line === undefined) {
        // its receipt was lost, but the log has brought it
        if (has(remark.id)) return;
        line = lineOf(page.me, remark.text);
        line.classList.add("message", "pending");
        line.dataset.clientId = remark.id;
        pending.set(remark.id, line);
        scroll.keep(() => log.append(line as HTMLElement));
        markFollowing(line);
      }
      describeState(line, remark);
    },
    settleRemark(event) {
      const line = event.id === undefined ? undefined : pending.get(event.id);
      if (line === undefined) return;
      if (lines.has(event.seq)) remove(line);
      else scroll.keep(() => settlePending(line, event));
      pending.delete(event.id as string);
    },
    removeRemark(id) {
      const line = pending.get(id);
      if (line) remove(line);
      pending.delete(id);
    },
  };

  function has(id: string): boolean {
    return log.querySelector(`[data-seq][data-client-id="${CSS.escape(id)}"]`) !== null;
  }

  /** Puts an event in its place; what was on its way becomes it. */
  function show(event: RoomEvent): void {
    const own = event.id === undefined ? undefined : pending.get(event.id);
    if (own) settlePending(own, event);
    else insert(lineOfEvent(event, page.words), event.seq);
  }

  function settlePending(line: HTMLElement, event: RoomEvent): void {
    pending.delete(event.id as string);
    line.classList.remove("pending", "refused", "kept");
    line.querySelector(".message-state")?.remove();
    settle(line, event);
    line.remove();
    insert(line, event.seq);
  }

  // From the end: a new line is nearly always the last one.
  function insert(line: HTMLElement, seq: number): void {
    let above = log.lastElementChild as HTMLElement | null;
    while (above !== null && (above.dataset.seq === undefined || Number(above.dataset.seq) > seq)) {
      above = above.previousElementSibling as HTMLElement | null;
    }
    if (above === null) log.prepend(line);
    else above.after(line);
    lines.set(seq, line);
    markFollowing(line);
    if (line.nextElementSibling) markFollowing(line.nextElementSibling as HTMLElement);
  }

  // From the top of the screen: older lines came later, and a hole in the middle would never be filled again.
  function trim(most: number): void {
    while (lines.size > most) {
      const top = log.firstElementChild as HTMLElement;
      lines.delete(Number(top.dataset.seq));
      remove(top);
      part("older").hidden = false;
    }
  }

  function remove(line: HTMLElement): void {
    const below = line.nextElementSibling as HTMLElement | null;
    line.remove();
    if (below) markFollowing(below);
  }

  function describeState(line: HTMLElement, remark: Remark): void {
    const { words } = page;
    const state = line.querySelector<HTMLElement>(".message-state") ?? document.createElement("span");
    state.className = "message-state";
    // "Sending…" is for the eye; that it failed is read aloud.
    if (remark.state === "refused") state.setAttribute("role", "alert");
    else state.removeAttribute("role");
    line.classList.toggle("refused", remark.state === "refused");
    line.classList.toggle("kept", remark.state === "kept");
    if (remark.state !== "refused") state.textContent = remark.state === "kept" ? words.kept : words.sending;
    else {
      const why = words.refusals[remark.code ?? ""] ?? "";
      const resend = button(words.resend, () => act.resend(remark.id));
      const discard = button(words.discard, () => act.discard(remark.id));
      discard.classList.add("quiet");
      state.replaceChildren(`${words.refused} ${why} `, resend, " ", discard);
    }
    line.append(state);
  }
}

/** A speaker who goes on within five minutes is not named again to the eye, as in server/pages/message-line.ts. */
function markFollowing(line: HTMLElement): void {
  const above = line.previousElementSibling as HTMLElement | null;
  const spoke = above?.classList.contains("message") && line.classList.contains("message");
  const same = above?.dataset.memberId === line.dataset.memberId;
  const near = momentOf(line) - momentOf(above) < SAME_SPEAKER_MS;
  line.classList.toggle("follows", spoke === true && same && near);
}

function momentOf(line: HTMLElement | null): number {
  return line?.dataset.at === undefined ? Date.now() : Date.parse(line.dataset.at);
}

function button(label: string, act: () => void): HTMLButtonElement {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button small";
  element.textContent = label;
  element.addEventListener("click", act);
  return element;
}
