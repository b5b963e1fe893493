import type { RoomEvent } from "../../protocol/event.ts";
import { fill, type ScriptWords } from "../words.ts";

/**
 * Removes a text that was edited or erased, and a name that was erased, from the page around the
 * log: from what a search has found, from above the field, and from a dialog.
 */
export function withdraw(event: RoomEvent, words: ScriptWords): void {
  if (event.kind === "unname") withdrawName(event.member, words);
  if (event.kind !== "edit" && event.kind !== "erase") return;
  const text = event.kind === "erase" ? words.erased : event.text;
  // A later event has changed the message again.
  if (text === undefined) return;
  const of = `[data-seq="${event.target}"]`;
  for (const shown of all(`.result${of} .text, .task${of} .task-quote, .act-dialog${of} .text`))
    shown.textContent = text;
}

function withdrawName({ id, nickname }: RoomEvent["member"], words: ScriptWords): void {
  const of = `[data-member-id="${CSS.escape(id)}"]`;
  for (const found of all(`.result${of}`)) found.remove();
  for (const label of all(`.task${of} .task-label`)) label.textContent = fill(words.replyingTo, { nickname });
  for (const who of all(`.act-dialog ${of}`)) who.closest("dialog")?.close();
}

function all(selector: string): NodeListOf<Element> {
  return document.querySelectorAll(selector);
}
