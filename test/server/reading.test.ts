import type { PollAnswer, ResetSignal, RoomEvent } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { keepsTheReadingContract, type OpenReader } from "../contract/reading.ts";

const openSse: OpenReader = async (url, query) => {
  const stream = await openStream(url, { ...query, ...(query.header && { lastEventId: query.header }) });
  return {
    events: stream.events,
    resets: async (count) => {
      const resets: ResetSignal[] = [];
      while (resets.length < count) resets.push((await stream.signal("reset")) as ResetSignal);
      return resets;
    },
    cursor: stream.cursor,
    close: stream.close,
  };
};

/** Polls one after another, as a client does; the first at once, with the reader's own cursors. */
const openPoll: OpenReader = async (url, query) => {
  const read: RoomEvent[] = [];
  const resets: ResetSignal[] = [];
  let cursor = "";
  const start = [query.after ?? []].flat();
  await poll(start, 0, query.header);
  return {
    events: async (count) => {
      while (read.length < count) await poll([cursor], 5);
      return read.splice(0, count);
    },
    resets: async (count) => {
      while (resets.length < count) await poll([cursor], 5);
      return resets.splice(0, count);
    },
    cursor: () => cursor,
    close: async () => undefined,
  };

  async function poll(after: string[], wait: number, lastEventId?: string): Promise<void> {
    const params = new URLSearchParams([query.room].flat().map((room): [string, string] => ["room", room]));
    for (const one of after) params.append("after", one);
    params.set("wait", String(wait));
    const headers = lastEventId ? { "last-event-id": lastEventId } : {};
    const response = await fetch(`${url}/api/poll?${params}`, { headers });
    const answer = (await response.json()) as PollAnswer;
    read.push(...answer.events);
    resets.push(...(answer.resets ?? [answer.reset ?? []].flat()));
    cursor = answer.cursor;
  }
};

keepsTheReadingContract("event stream", openSse);
keepsTheReadingContract("long-poll", openPoll);
