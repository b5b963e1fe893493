import { optional } from "./browser.ts";

/** Copies a text to the clipboard, also where the browser has no clipboard for scripts. */
export function copyText(text: string): void {
  const done = optional(() => navigator.clipboard?.writeText(text));
  if (done === undefined) copyBySelection(text);
  else done.catch(() => copyBySelection(text));
}

// [http origins] Only secure pages have a clipboard.
function copyBySelection(text: string): void {
  const { activeElement } = document;
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
  if (activeElement instanceof HTMLElement) activeElement.focus({ preventScroll: true });
}
