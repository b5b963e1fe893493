import { part } from "./part.ts";

// A screen reader reads a change aloud some time after it was made.
const ANNOUNCED_MS = 10_000;

/** Has a text read aloud once, by people's screen readers. */
export function readAloud(text: string): void {
  const element = document.createElement("p");
  element.textContent = text;
  part("announcer").append(element);
  setTimeout(() => element.remove(), ANNOUNCED_MS);
}
