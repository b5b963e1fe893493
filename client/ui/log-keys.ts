import { isNewestOnTop } from "./order.ts";

/**
 * Lets keys move between the lines: the Tab key stops at the menu of the newest one, the arrows up
 * and down lead to the same button of other lines, and those to the sides from menu to name
 * [ARIA APG, roving tabindex].
 */
export function connectLogKeys(log: HTMLElement): void {
  let stop: HTMLElement | undefined;
  // [WebKitGTK] With Shift, the key has another name. The newest message is another one after each
  // batch, so it is looked for when it matters.
  document.addEventListener("keydown", ({ key, code }) => {
    if ((key === "Tab" || code === "Tab") && !log.contains(document.activeElement)) setStop(newest(log));
  });
  log.addEventListener("keydown", (event) => {
    const { target, key, ctrlKey, altKey, metaKey, shiftKey } = event;
    if (!(target instanceof HTMLElement) || ctrlKey || altKey || metaKey || shiftKey) return;
    const kind = [".menu-button", ".message .nickname[role=button]"].find((selector) => target.matches(selector));
    const next = kind && neighbor(log, { target, kind, key });
    if (!next) return;
    event.preventDefault();
    next.focus();
    if (next.matches(".menu-button")) setStop(next);
  });

  function setStop(button: HTMLElement | undefined): void {
    if (stop) stop.tabIndex = -1;
    stop = button;
    if (stop) stop.tabIndex = 0;
  }
}

type Move = { target: HTMLElement; kind: string; key: string };

function neighbor(log: HTMLElement, { target, kind, key }: Move): HTMLElement | undefined {
  const line = target.closest<HTMLElement>(".line");
  if (key === "ArrowLeft") return line?.querySelector<HTMLElement>(".nickname[role=button]") ?? undefined;
  if (key === "ArrowRight") return line?.querySelector<HTMLElement>(".menu-button") ?? undefined;
  if (!["ArrowUp", "ArrowDown", "Home", "End"].includes(key)) return undefined;
  const all = Array.from(log.querySelectorAll<HTMLElement>(kind));
  const index = all.indexOf(target);
  const next = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: all.length - 1 }[key];
  return all[next as number];
}

function newest(log: HTMLElement): HTMLElement | undefined {
  const buttons = log.querySelectorAll<HTMLElement>(".menu-button");
  return buttons[isNewestOnTop() ? 0 : buttons.length - 1];
}
