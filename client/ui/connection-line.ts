import { PATHS } from "../../protocol/paths.ts";
import type { SessionStatus } from "../core/reading/state.ts";
import { type Page, part } from "./page.ts";

// A change of connection that is over within a second is nothing to tell anybody.
const PATIENCE_MS = 1_000;

/** How the connection stands, in words; where the network slows it down, with the way to find out why. */
export function createConnectionLine({ words, address }: Page): { show(status: SessionStatus): void } {
  const line = part("connection");
  const sentence = { live: words.live, slow: words.slow, "catching-up": words.catchingUp, offline: words.offline };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let latest: SessionStatus | undefined;
  let written = "";

  function write(): void {
    if (latest === undefined) return;
    const state = stateOf(latest);
    line.dataset.transport = latest.transport;
    line.dataset.state = state;
    // what has not changed is not read aloud again
    if (written === state) return;
    written = state;
    line.textContent = sentence[state];
    if (state === "slow") line.append(" ", doctor());
  }

  function doctor(): HTMLAnchorElement {
    const link = document.createElement("a");
    link.href = address.base + PATHS.doctor;
    link.textContent = words.doctor;
    return link;
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

// One failure may be chance; after two the text that is written waits, and its writer should know. What the browser says
// of the network counts only where nothing comes through: some say "offline" of a network that carries.
function stateOf(status: SessionStatus): "live" | "slow" | "catching-up" | "offline" {
  if (status.state === "live") return status.slow ? "slow" : "live";
  return status.failures >= 2 || !navigator.onLine ? "offline" : "catching-up";
}
