import { EventSource } from "eventsource";
import { openMouth } from "./mouth.ts";
import type { Kind, Sighting } from "./person.ts";

/** Sits behind a plain EventSource and a plain fetch: what a network does to those is what ours must make good. */
export const plainKind: Kind = {
  name: "plain EventSource",
  async sit(url, room, nickname) {
    const seen: Sighting[] = [];
    const mouth = nickname === undefined ? undefined : await openMouth(url, room, nickname);
    const source = new EventSource(`${url}/api/events?room=${room}`);
    source.addEventListener("message", ({ data }) => {
      const { seq, text = "" } = JSON.parse(data) as { seq: number; text?: string };
      seen.push({ seq, text, atMs: Date.now() });
    });
    await new Promise((resolve) => source.addEventListener("hello", resolve));
    return {
      seen,
      lastLook: async () => ({ transport: ["connecting", "open", "closed"][source.readyState] ?? "", notices: [] }),
      say: async (text) => void mouth?.say(text),
      close: async () => {
        source.close();
        mouth?.close();
      },
    };
  },
};
