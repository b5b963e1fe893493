import type { RoomEvent } from "../../protocol/event.ts";
import type { Remark } from "../core/sending/outbox.ts";
import { addText, attr, create, createButton, part, remove, show } from "./dom.ts";
import { finish, lineOf, lineOfEvent } from "./line.ts";
import type { Page } from "./page.ts";
import type { Scroll } from "./scroll.ts";

// Old machines are slow with long pages.
const MOST_LINES = 200;
// Who reads older lines is not to lose them to the newer ones.
const MOST_WHILE_READING = 1_000;

/** The log on the screen: lines in the order of their seq, below them the reader's own messages without a receipt. */
export type Log = {
  /** Shows events unless they are there already; says whether one was new. */
  add(events: RoomEvent[], areOlder: boolean): boolean;
  /** Takes all lines of the log away; what is not yet sent stays. */
  clear(): void;
  oldestSeq(): number | undefined;
  /** Does the log show the message of this client id? */
  has(id: string): boolean;
  /** Shows a message on its way, or how it stands with it. */
  showRemark(remark: Remark): void;
  removeRemark(id: string): void;
};

/** The log that the server has begun. `act`: what a reader may do about a refused message. */
export function createLog(
  page: Page,
  scroll: Scroll,
  act: { resend(id: string): void; discard(id: string): void },
): Log {
  const list = part("log");
  const lines = list.getElementsByTagName("li");
  for (let i = 0; i < lines.length; i++) finish(lines[i] as PageElement);

  return {
    add(events, areOlder) {
      let isNew = false;
      const isAtNewest = scroll.keep(areOlder, () => {
        for (let i = 0; i < events.length; i++) if (addOne(events[i] as RoomEvent)) isNew = true;
      });
      if (!areOlder) scroll.keep(!isAtNewest, () => trim(isAtNewest ? MOST_LINES : MOST_WHILE_READING));
      return isNew;
    },
    clear() {
      while (oldestSeq() !== undefined) remove(lines[0] as PageElement);
    },
    oldestSeq,
    has(id) {
      const line = find("data-client-id", id);
      return line !== undefined && attr(line, "data-seq") !== "";
    },
    showRemark(remark) {
      scroll.keep(false, () => showOne(remark));
    },
    removeRemark,
  };

  function addOne(event: RoomEvent): boolean {
    const seq = String(event.seq);
    if (find("data-seq", seq) !== undefined) return false;
    if (event.id !== undefined) removeRemark(event.id);
    let i = lines.length;
    while (i > 0 && isBelow(lines[i - 1] as PageElement, event.seq)) i--;
    list.insertBefore(lineOfEvent(event, page.words), lines[i] ?? null);
    return true;
  }

  // What has no seq is not yet in the log.
  function isBelow(line: PageElement, seq: number): boolean {
    return attr(line, "data-seq") === "" || Number(attr(line, "data-seq")) > seq;
  }

  function find(name: string, value: string): PageElement | undefined {
    for (let i = lines.length - 1; i >= 0; i--) if (attr(lines[i] as PageElement, name) === value) return lines[i];
    return undefined;
  }

  function oldestSeq(): number | undefined {
    const seq = lines[0] === undefined ? "" : attr(lines[0], "data-seq");
    return seq === "" ? undefined : Number(seq);
  }

  function trim(most: number): void {
    while (lines.length > most && oldestSeq() !== undefined) {
      remove(lines[0] as PageElement);
      show(part("older"), true);
    }
  }

  function showOne(remark: Remark): void {
    let line = find("data-client-id", remark.id);
    if (line === undefined) {
      line = list.appendChild(lineOf(page.me, remark.text, ""));
      line.setAttribute("data-client-id", remark.id);
      line.appendChild(create("span", "message-state"));
    } else if (attr(line, "data-seq") !== "") {
      // its receipt was lost, but the log has brought it
      return;
    }
    line.className = `line message pending ${remark.state}`;
    describeState(line.lastChild as PageElement, remark);
  }

  function describeState(element: PageElement, { id, state, code = "" }: Remark): void {
    const { words } = page;
    const sentence = { sending: words.sending, kept: words.kept, refused: words.refused }[state];
    element.innerHTML = "";
    addText(element, ` ${sentence} `);
    if (state !== "refused") return;
    addText(element, `${words.refusals[code] ?? ""} `);
    element.appendChild(createButton(words.resend, () => act.resend(id)));
    addText(element, " ");
    element.appendChild(createButton(words.discard, () => act.discard(id)));
  }

  function removeRemark(id: string): void {
    const line = find("data-client-id", id);
    if (line !== undefined && attr(line, "data-seq") === "") remove(line);
  }
}
