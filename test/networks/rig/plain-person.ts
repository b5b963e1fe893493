import { EventSource } from "eventsource";
import type { Kind, Sighting } from "./person.ts";
import { openSpeaker } from "./speaker.ts";

/**
 * Connects by a plain EventSource and a plain fetch. Shows what chattera's client has to make up
 * for.
 */
export const plainKind: Kind = {
  name: "plain EventSource",
  async join(url, room, nickname) {
    const seen: Sighting[] = [];
    const speaker = nickname === undefined ? undefined : await openSpeaker(url, room, nickname);
    const source = new EventSource(`${url}/api/events?room=${room}`);
    source.addEventListener("message", ({ data }) => {
      const { seq, text = "" } = JSON.parse(data) as { seq: number; text?: string };
      seen.push({ seq, text, atMs: Date.now() });
    });
    await new Promise((resolve) => source.addEventListener("hello", resolve));
    return {
      seen,
      lastState: async () => ({ transport: ["connecting", "open", "closed"][source.readyState] ?? "", notices: [] }),
      say: async (text) => void speaker?.say(text),
      close: async () => {
        source.close();
        speaker?.close();
      },
    };
  },
};
