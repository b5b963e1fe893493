import type { ScriptWords } from "../words.ts";
import { part } from "./part.ts";

/** Creates the line of a gap after an event, as server/pages/log-lines.ts renders it. */
export function lineOfGap(after: number, words: ScriptWords): HTMLElement {
  const line = document.createElement("li");
  const link = document.createElement("a");
  line.className = "gap";
  line.dataset.after = String(after);
  link.className = "button quiet small";
  link.href = `${part("line").dataset.to}/${after}`;
  link.textContent = words.gap;
  line.append(link);
  return line;
}
