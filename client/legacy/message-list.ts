import type { RoomEvent } from "../../protocol/event.ts";
import { type Conversation, resend } from "../core/conversation.ts";
import { discard, type UnsentMessage } from "../core/sending/outbox.ts";
import type { MessageList, Scroll } from "../face.ts";
import type { Page } from "../page.ts";
import { addText, attr, create, createButton, part, remove, show } from "./dom.ts";
import { finish, lineOf, lineOfEvent } from "./line.ts";

// Old machines are slow with long pages.
const MOST_LINES = 200;
// A reader of older lines should not lose them to newer ones.
const MOST_WHILE_READING = 1_000;

type Items = List<PageElement>;

/**
 * Returns the list that the server has begun. A refused message can be resent to `conversation`.
 */
export function createMessageList(page: Page, scroll: Scroll, conversation: Conversation): MessageList {
  const log = part("log");
  const items = log.getElementsByTagName("li");
  unfold(log, items);
  for (let i = 0; i < items.length; i++) finish(items[i] as PageElement);

  const most = () => (scroll.isAtNewest() ? MOST_LINES : MOST_WHILE_READING);
  return {
    most,
    add,
    addOlder({ events }) {
      scroll.keep(() => {
        for (let i = 0; i < events.length; i++) addOne(events[i] as RoomEvent);
      }, true);
    },
    clear() {
      while (oldestSeq(items) !== undefined) remove(items[0] as PageElement);
    },
    oldestSeq: () => oldestSeq(items),
    has(id) {
      const line = find(items, "data-client-id", id);
      return line !== undefined && attr(line, "data-seq") !== "";
    },
    showUnsent(message) {
      scroll.keep(() => showUnsent({ log, items, page, conversation }, message));
    },
    settle: (event) => add([event]),
    removeUnsent: (id) => removeUnsent(items, id),
  };

  function add(events: RoomEvent[]): RoomEvent[] {
    const isAtNewest = scroll.isAtNewest();
    const added: RoomEvent[] = [];
    scroll.keep(() => {
      for (let i = 0; i < events.length; i++) if (addOne(events[i] as RoomEvent)) added.push(events[i] as RoomEvent);
    });
    if (items.length > most()) scroll.keep(() => trim(items, most()), !isAtNewest);
    return added;
  }

  function addOne(event: RoomEvent): boolean {
    if (find(items, "data-seq", String(event.seq)) !== undefined) return false;
    if (event.id !== undefined) removeUnsent(items, event.id);
    let i = items.length;
    while (i > 0 && isBelow(items[i - 1] as PageElement, event.seq)) i--;
    log.insertBefore(lineOfEvent(event, page.words), items[i] || null);
    return true;
  }
}

/** Shows the lines that the server has folded, and removes all that is no line. */
function unfold(log: PageElement, items: Items): void {
  for (let i = 0; i < items.length; ) {
    const item = items[i] as PageElement;
    const inner = item.getElementsByTagName("li");
    while (inner[0] !== undefined) log.insertBefore(inner[0], item);
    if (attr(item, "data-seq") === "") remove(item);
    else i++;
  }
}

// A line without a seq is not in the log yet.
function isBelow(line: PageElement, seq: number): boolean {
  return attr(line, "data-seq") === "" || Number(attr(line, "data-seq")) > seq;
}

function find(items: Items, name: string, value: string): PageElement | undefined {
  for (let i = items.length - 1; i >= 0; i--) if (attr(items[i] as PageElement, name) === value) return items[i];
  return undefined;
}

function oldestSeq(items: Items): number | undefined {
  const seq = items[0] === undefined ? "" : attr(items[0], "data-seq");
  return seq === "" ? undefined : Number(seq);
}

function trim(items: Items, most: number): void {
  while (items.length > most && oldestSeq(items) !== undefined) {
    remove(items[0] as PageElement);
    show(part("older"), true);
  }
}

function removeUnsent(items: Items, id: string): void {
  const line = find(items, "data-client-id", id);
  if (line !== undefined && attr(line, "data-seq") === "") remove(line);
}

function showUnsent(
  { log, items, page, conversation }: { log: PageElement; items: Items; page: Page; conversation: Conversation },
  message: UnsentMessage,
): void {
  const { id, text, state, code = "" } = message;
  const { words, me } = page;
  let line = find(items, "data-client-id", id);
  if (line === undefined) {
    line = log.appendChild(lineOf(me, text, ""));
    line.setAttribute("data-client-id", id);
    line.appendChild(create("span", "message-state"));
  }
  // Its receipt was lost, but the log has the message.
  if (attr(line, "data-seq") !== "") return;
  line.className = `line message pending ${state}`;
  const element = line.lastChild as PageElement;
  const sentence = { sending: words.sending, kept: words.kept, refused: words.refused }[state];
  element.innerHTML = "";
  addText(element, ` ${sentence} `);
  if (state !== "refused") return;
  addText(element, `${words.refusals[code] || ""} `);
  element.appendChild(createButton(words.resend, () => resend(conversation, message)));
  addText(element, " ");
  element.appendChild(createButton(words.discard, () => discard(conversation.outbox, message)));
}
