import type { PollAnswer } from "../../../protocol/event.ts";
import type { Kind, Sighting } from "./person.ts";
import { openSpeaker } from "./speaker.ts";

/** Connects by a simple long-poll with a cursor, as anyone would write it in five minutes. */
export const pollKind: Kind = {
  name: "plain long-poll",
  async join(url, room, nickname) {
    const seen: Sighting[] = [];
    const over = new AbortController();
    const speaker = nickname === undefined ? undefined : await openSpeaker(url, room, nickname);
    let cursor = await ask(0, "");
    void follow();
    return {
      seen,
      lastState: async () => ({ transport: "poll", notices: [] }),
      say: async (text) => void speaker?.say(text),
      close: async () => {
        over.abort();
        speaker?.close();
      },
    };

    async function follow(): Promise<void> {
      while (!over.signal.aborted) cursor = await ask(20, cursor);
    }

    async function ask(wait: number, after: string): Promise<string> {
      while (!over.signal.aborted) {
        try {
          const query = `room=${room}&wait=${wait}${after && `&after=${after}`}`;
          const signal = AbortSignal.any([over.signal, AbortSignal.timeout(30_000)]);
          const answer = (await (await fetch(`${url}/api/poll?${query}`, { signal })).json()) as PollAnswer;
          for (const { seq, text = "" } of answer.events) seen.push({ seq, text, atMs: Date.now() });
          return answer.cursor;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 1_000));
        }
      }
      return after;
    }
  },
};
