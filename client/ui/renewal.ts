import type { HelloSignal, PollAnswer } from "../../protocol/event.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import type { Transport } from "../core/reading/transport.ts";
import type { ScriptWords } from "../words.ts";
import { part } from "./part.ts";
import type { UnreadScroll } from "./scroll.ts";

// How often the page looks whether its reader is idle.
const LOOK_MS = 5_000;

/** Notices that the site speaks a newer protocol than this page's script. */
export type Renewal = {
  /** Returns the same transport, whose greetings and answers are read. */
  watch(transport: Transport): Transport;
  /** Asks the reader for a reload, once, as soon as `isIdle` returns true, above the log. */
  askWhen(isIdle: () => boolean, scroll: UnreadScroll): void;
};

/** Creates the watch over the site's protocol. */
export function createRenewal(words: ScriptWords): Renewal {
  let isRenewed = false;
  let isIdle = () => false;
  let box: UnreadScroll | undefined;
  let isAsked = false;

  function note({ protocol }: HelloSignal | PollAnswer): void {
    if (isRenewed || protocol === undefined || protocol === PROTOCOL_VERSION) return;
    isRenewed = true;
    ask();
  }

  function ask(): void {
    if (isAsked || !isRenewed) return;
    if (!isIdle()) {
      setTimeout(ask, LOOK_MS);
      return;
    }
    isAsked = true;
    box?.alone(() => showRequest(words));
  }

  return {
    watch: (transport) => ({
      ...transport,
      open: (reading, sink) =>
        transport.open(reading, (kind, data, cursor) => {
          if (kind === "hello" || kind === "answer") note(data as HelloSignal | PollAnswer);
          sink(kind, data, cursor);
        }),
    }),
    askWhen(condition, scroll) {
      isIdle = condition;
      box = scroll;
    },
  };
}

function showRequest(words: ScriptWords): void {
  const request = document.createElement("p");
  request.id = "renewed";
  request.className = "renewed";
  request.setAttribute("role", "status");
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "button small", textContent: words.reload });
  button.addEventListener("click", () => location.reload());
  const state = part("room-state");
  state.append(request);
  state.hidden = false;
  request.append(words.renewed, " ", button);
}
