import { PATHS } from "../../protocol/paths.ts";
import type { SessionStatus } from "../core/reading/state.ts";
import type { Page } from "../page.ts";
import { lasting, optional } from "./browser.ts";
import { part } from "./part.ts";

// A connection that is lost for less than a second is not worth showing.
const PATIENCE_MS = 1_000;

/**
 * Shows the state of the connection in words. If the network slows it down, links to the doctor.
 */
export function createConnectionLine({ words, address }: Page): { show(status: SessionStatus): void } {
  const line = part("connection");
  const sentence = { live: words.live, slow: words.slow, "catching-up": words.catchingUp, offline: words.offline };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let latest: SessionStatus | undefined;
  let written = "";

  function write(): void {
    if (latest === undefined) return;
    const state = stateOf(latest);
    const text = sentenceOf(latest, sentence[state]);
    line.dataset.transport = latest.transport;
    line.dataset.state = state;
    // Text that has not changed must not be read aloud again.
    if (written === text) return;
    written = text;
    line.textContent = text;
    if (text === words.slow || text === words.blocked)
      line.append(" ", link(words.doctor, address.base + PATHS.doctor));
    if (text === words.unreadable) line.append(" ", link(words.reload, location.pathname));
  }

  function sentenceOf({ state, refused, stale, checking, blocked }: SessionStatus, usual: string): string {
    if (state !== "live") return refused ? words.unreadable : usual;
    return stale ? words.stale : checking ? words.checking : blocked ? words.blocked : usual;
  }

  function link(label: string, href: string): HTMLAnchorElement {
    const element = document.createElement("a");
    element.href = href;
    element.textContent = label;
    return element;
  }

  window.addEventListener("offline", write, lasting());
  window.addEventListener("online", write, lasting());
  return {
    show(status) {
      latest = status;
      clearTimeout(timer);
      const wasGood = line.dataset.state === "live" || line.dataset.state === "slow";
      if (stateOf(status) === "catching-up" && wasGood) timer = setTimeout(write, PATIENCE_MS);
      else write();
    },
  };
}

// One failure may be chance. After two, messages wait, and their author should know. The browser's
// own word on the network counts only if nothing arrives: some say "offline" of one that works.
function stateOf(status: SessionStatus): "live" | "slow" | "catching-up" | "offline" {
  if (status.state === "live") return status.slow || status.stale ? "slow" : "live";
  return status.failures >= 2 || optional(() => navigator.onLine) === false ? "offline" : "catching-up";
}
