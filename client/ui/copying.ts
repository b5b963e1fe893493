import { lasting } from "./browser.ts";

/**
 * Makes copied lines of the log read `[02:58] ann: text`. The page's own layout would copy name,
 * time and text in different order, and the hidden names of those who continue.
 */
export function formatCopies(log: HTMLElement): void {
  document.addEventListener(
    "copy",
    (event) => {
      const selection = getSelection();
      if (selection === null || selection.rangeCount === 0 || isField(event.target)) return;
      const range = selection.getRangeAt(0);
      // A part of one message is copied as it is.
      const { commonAncestorContainer: around } = range;
      if ((around instanceof Element ? around : around.parentElement)?.closest(".line > *")) return;
      const lines = Array.from(log.querySelectorAll<HTMLElement>(COPIED))
        .filter((line) => range.intersectsNode(line) && line.getClientRects().length > 0)
        .map((line) => copyOf(line, range))
        .filter((copy) => copy !== "");
      if (lines.length === 0) return;
      event.clipboardData?.setData("text/plain", lines.join("\n"));
      event.preventDefault();
    },
    lasting(),
  );
}

/** Lines, days, and the sentences of closed folds. */
const COPIED = ".line[data-at], .day, .folded > details:not([open]) > summary";

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}

/** Returns the selected part of a line, "" if no text of it is selected. */
function copyOf(line: HTMLElement, range: Range): string {
  const textElement = line.querySelector(".text");
  if (textElement === null) return line.textContent || "";
  const part = document.createRange();
  part.selectNodeContents(textElement);
  if (part.compareBoundaryPoints(Range.START_TO_START, range) < 0)
    part.setStart(range.startContainer, range.startOffset);
  if (part.compareBoundaryPoints(Range.END_TO_END, range) > 0) part.setEnd(range.endContainer, range.endOffset);
  const text = String(part);
  const nickname = line.querySelector(".nickname")?.textContent;
  const colon = line.classList.contains("message") ? ":" : "";
  return text === "" ? "" : `[${line.querySelector("time")?.textContent}] ${nickname}${colon} ${text}`;
}
