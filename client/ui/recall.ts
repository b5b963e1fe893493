/** The parts of the page that a recall uses. `texts` returns one's messages, the last one first. */
export type RecallUse = { texts(): string[]; changed(): void };

/**
 * Lets the arrow up put one's last message into an empty field, to be sent again, and each further
 * one the message before. The arrow down leads back.
 */
export function recallMessages(field: HTMLTextAreaElement, { texts, changed }: RecallUse): void {
  let shown = "";
  let index = -1;
  field.addEventListener("keydown", (event) => {
    const { key, ctrlKey, altKey, metaKey, shiftKey, isComposing } = event;
    if ((key !== "ArrowUp" && key !== "ArrowDown") || ctrlKey || altKey || metaKey || shiftKey || isComposing) return;
    if (field.value === "") index = -1;
    else if (index < 0 || field.value !== shown || !isAtEdge(field, key)) return;
    const known = texts();
    const next = index + (key === "ArrowUp" ? 1 : -1);
    if (next < -1 || next >= known.length) return;
    event.preventDefault();
    index = next;
    shown = known[index] || "";
    field.value = shown;
    changed();
  });
}

/** Whether the arrow would leave the text, and not move within it. */
function isAtEdge({ value, selectionStart, selectionEnd }: HTMLTextAreaElement, key: string): boolean {
  if (selectionStart !== selectionEnd) return false;
  return !(key === "ArrowUp" ? value.slice(0, selectionStart) : value.slice(selectionEnd)).includes("\n");
}
