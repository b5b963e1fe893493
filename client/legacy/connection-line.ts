import { PATHS } from "../../protocol/paths.ts";
import type { SessionStatus } from "../core/reading/state.ts";
import { browser } from "./browser.ts";
import { addText, create, part, setText } from "./dom.ts";
import type { Page } from "./page.ts";

// A change of connection that is over within a second is nothing to tell anybody.
const PATIENCE_MS = 1_000;

/**
 * How the connection stands, in words; gives what shows a status. `streams`: the browser could, so that it is the network
 * that slows it down where it does not.
 */
export function createConnection({ words, address }: Page, streams: boolean): (status: SessionStatus) => void {
  const line = part("connection");
  const sentence = { live: words.live, slow: words.slow, "catching-up": words.catchingUp, offline: words.offline };
  let written = "";
  let stop = () => {};

  return (status) => {
    const state = stateOf(status);
    stop();
    stop = browser.later(state === "catching-up" && written !== "offline" ? PATIENCE_MS : 0, () => {
      line.setAttribute("data-transport", status.transport);
      if (written === state) return;
      written = state;
      line.setAttribute("data-state", state);
      line.className = `connection ${state}`;
      setText(line, sentence[state]);
      if (state !== "slow") return;
      addText(line, " ");
      line.appendChild(create("a", "", words.doctor)).href = address.base + PATHS.doctor;
    });
  };

  // One failure may be chance; after two the text that is written waits, and its writer should know.
  function stateOf({ state, slow, failures }: SessionStatus): "live" | "slow" | "catching-up" | "offline" {
    if (state === "live") return slow && streams ? "slow" : "live";
    return failures >= 2 ? "offline" : "catching-up";
  }
}
