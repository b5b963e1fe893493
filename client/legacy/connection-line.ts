import { PATHS } from "../../protocol/paths.ts";
import type { SessionStatus } from "../core/reading/state.ts";
import { environment } from "../environment.ts";
import type { Page } from "../page.ts";
import { addText, create, part, setText } from "./dom.ts";

// A connection that is lost for less than a second is not worth showing.
const PATIENCE_MS = 1_000;

/**
 * Shows the state of the connection in words. Returns a function that shows a status. `streams`:
 * whether the browser can stream, so that the network is to blame if nothing does.
 */
export function createConnectionLine({ words, address }: Page, streams: boolean): (status: SessionStatus) => void {
  const line = part("connection");
  const sentence = { live: words.live, slow: words.slow, "catching-up": words.catchingUp, offline: words.offline };
  let written = "";
  let stop = () => {};

  return (status) => {
    const state = stateOf(status);
    stop();
    stop = environment.later(state === "catching-up" && written !== words.offline ? PATIENCE_MS : 0, () => {
      const text =
        status.state !== "live"
          ? status.refused
            ? words.unreadable
            : sentence[state]
          : status.stale
            ? words.stale
            : status.checking
              ? words.checking
              : status.blocked
                ? words.blocked
                : sentence[state];
      line.setAttribute("data-transport", status.transport);
      if (written === text) return;
      written = text;
      line.setAttribute("data-state", state);
      line.className = `connection ${state}`;
      setText(line, text);
      if (text === words.slow || text === words.blocked) addLink(words.doctor, address.base + PATHS.doctor);
      if (text === words.unreadable) addLink(words.reload, location.href.replace(/#.*/, ""));
    });
  };

  function addLink(label: string, href: string): void {
    addText(line, " ");
    line.appendChild(create("a", "", label)).href = href;
  }

  // One failure may be chance. After two, messages wait, and their author should know.
  function stateOf({ state, slow, stale, failures }: SessionStatus): "live" | "slow" | "catching-up" | "offline" {
    if (state === "live") return stale || (slow && streams) ? "slow" : "live";
    return failures >= 2 ? "offline" : "catching-up";
  }
}
