import { lasting, matchesMedia, optional } from "./browser.ts";

/**
 * Fits the page into the height that a phone's keyboard leaves. Chrome does so automatically
 * (`interactive-widget` in the page's viewport). Safari only shrinks its visual viewport, and would
 * scroll the page away under the field.
 */
export function keepAboveKeyboard(page: HTMLElement): void {
  const viewport = optional(() => window.visualViewport);
  if (!viewport) return;
  const fit = () => {
    const covered = window.innerHeight - viewport.height;
    // Less than 100 px is the browser's own bar, not a keyboard. A zoomed page is left alone.
    const isKeyboard = covered > 100 && viewport.scale === 1;
    page.style.setProperty("--page-height", isKeyboard ? `${viewport.height}px` : "100dvh");
    if (isKeyboard) window.scrollTo(0, 0);
  };
  viewport.addEventListener("resize", fit);
}

/** Whether the reader has a mouse or the like, and so probably a keyboard that covers nothing. */
export function hasFinePointer(): boolean {
  return matchesMedia("(pointer: fine)");
}

/**
 * Leads every key that writes something to a field, unless it was pressed in another one. The field
 * gets the focus before the browser acts on the key, and so the key's character, too.
 */
export function leadKeysTo(field: HTMLElement): void {
  document.addEventListener(
    "keydown",
    (event) => {
      if (writes(event) && !isTaken(event)) field.focus({ preventScroll: true });
    },
    lasting(),
  );
}

// "Dead" begins a letter with an accent, and "Process" a conversion. In Windows, AltGr counts as
// Ctrl and Alt, but writes.
function writes(event: KeyboardEvent): boolean {
  const { key, ctrlKey, altKey, metaKey } = event;
  const isCommand = (ctrlKey || altKey || metaKey) && !event.getModifierState("AltGraph");
  const isCharacter = Array.from(key).length === 1 || key === "Dead" || key === "Process";
  return isCharacter && !isCommand && !event.defaultPrevented;
}

// A space presses a button, opens a list and scrolls the log.
function isTaken({ key, target }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("input, textarea, select, iframe")) return true;
  return key === " " && target !== document.body;
}
