import { part } from "./part.ts";

/** Whether the page shows the newest line on top. The server has chosen at first. */
export function isNewestOnTop(): boolean {
  return part("room").classList.contains("newest-on-top");
}

/**
 * Turns the page over: the newest line is next to the form, and the button for older messages is at
 * the other end of the log.
 */
export function turnPage(): void {
  const isOnTop = part("room").classList.toggle("newest-on-top");
  const scroll = part("scroll");
  const foot = document.querySelector(".foot") as HTMLElement;
  if (isOnTop) {
    scroll.before(foot);
    part("log").after(part("older"));
  } else {
    scroll.after(foot);
    part("log").before(part("older"));
  }
}
