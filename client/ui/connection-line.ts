import type { SessionStatus } from "../core/status.ts";
import { part } from "./page.ts";
import type { Words } from "./words.ts";

// A change of connection that is over within a second is nothing to tell anybody.
const PATIENCE_MS = 1_000;

/** How the connection stands, in words. */
export function createConnectionLine(words: Words): { show(status: SessionStatus): void } {
  const line = part("connection");
  const sentence = { live: words.live, slow: words.slow, "catching-up": words.catchingUp, offline: words.offline };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let latest: SessionStatus | undefined;

  function write(): void {
    if (latest === undefined) return;
    const state = stateOf(latest);
    line.dataset.transport = latest.transport;
    if (line.dataset.state === state && line.textContent === sentence[state]) return;
    line.dataset.state = state;
    line.textContent = sentence[state];
  }

  window.addEventListener("offline", write);
  window.addEventListener("online", write);
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

// One failure may be chance; after two the text that is written waits, and its writer should know.
function stateOf(status: SessionStatus): "live" | "slow" | "catching-up" | "offline" {
  if (!navigator.onLine) return "offline";
  if (status.state === "live") return status.streams ? "live" : "slow";
  return status.failures >= 2 ? "offline" : "catching-up";
}
