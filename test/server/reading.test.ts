import { runInNewContext } from "node:vm";
import type { PollAnswer, ResetSignal, RoomEvent } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { keepsTheReadingContract, type OpenReader } from "../contract/reading.ts";
import { blocks, follow, scripts } from "../support/follow.ts";

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

/**
 * Polls repeatedly, as a client does. The first poll is answered at once and has the reader's
 * cursors.
 */
const openPolls: (ask: typeof askJson) => OpenReader = (ask) => async (url, query) => {
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
    const answer = await ask(`${url}/api/poll?${params}`, headers);
    read.push(...answer.events);
    resets.push(...(answer.resets ?? [answer.reset ?? []].flat()));
    cursor = answer.cursor;
  }
};

async function askJson(url: string, headers: { [name: string]: string }): Promise<PollAnswer> {
  const response = await fetch(url, { headers });
  return (await response.json()) as PollAnswer;
}

/** Reads like a script element, which runs the answer. */
async function askScript(url: string, headers: { [name: string]: string }): Promise<PollAnswer> {
  const response = await fetch(`${url}&callback=some.take`, { headers });
  const answers: PollAnswer[] = [];
  runInNewContext(await response.text(), {
    some: { take: (answer: PollAnswer) => answers.push(JSON.parse(JSON.stringify(answer))) },
  });
  return answers[0] as PollAnswer;
}

keepsTheReadingContract("event stream", openSse);
keepsTheReadingContract("byte stream", follow("/api/stream", {}, blocks));
keepsTheReadingContract("byte stream on a late network", follow("/api/stream", { late: "1", max: "16384" }, blocks));
keepsTheReadingContract("frame", follow("/api/frame", { callback: "parent.take" }, scripts));
keepsTheReadingContract("long-poll", openPolls(askJson));
keepsTheReadingContract("long-poll by script", openPolls(askScript));

const hosted = { isHosted: true };
keepsTheReadingContract("event stream in a host's app", openSse, hosted);
keepsTheReadingContract("byte stream in a host's app", follow("/api/stream", { max: "16384" }, blocks), hosted);
keepsTheReadingContract("frame in a host's app", follow("/api/frame", { callback: "parent.take" }, scripts), hosted);
