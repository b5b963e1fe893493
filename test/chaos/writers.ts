import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { RoomEvent } from "../../protocol/event.ts";
import type { ChaosMessage, RoomLogs } from "./check.ts";
import type { Random } from "./random.ts";

/** Sends messages one after the other until it is stopped, each again until its fate is known. */
export type Writer = { stop(): void; done: Promise<void> };

type WriterOptions = {
  number: number;
  urls: string[];
  rooms: string[];
  random: Random;
  run: SentAndLogs;
  /** The pause between two messages, in milliseconds. */
  pauseMs?: [number, number];
};

/** The messages of a run, and its logs, of which the last one is the database's. */
type SentAndLogs = { sent: ChaosMessage[]; logs: RoomLogs[] };

/** The ways to send: one message, several in a request, one by GET. */
type Manner = "post" | "batch" | "say";

const MANNERS: Manner[] = ["post", "batch", "say"];

/** A message whose fate is unknown is sent again for this long after the run. */
const LAST_TRIES_MS = 40_000;

/** Starts a writer. Its manner follows from its number. */
export async function startWriter(options: WriterOptions): Promise<Writer> {
  const { number, urls, random, run, pauseMs = [20, 200] } = options;
  const token = await openSession(urls, `writer ${number}`);
  let isStopped = false;
  let giveUpAt = Number.POSITIVE_INFINITY;
  const stop = () => {
    isStopped = true;
    giveUpAt = performance.now() + LAST_TRIES_MS;
  };
  return { stop, done: write() };

  async function write(): Promise<void> {
    const manner = MANNERS[number % MANNERS.length] as Manner;
    for (let n = 1; !isStopped; ) {
      const room = random.pick(options.rooms);
      const count = manner === "batch" ? 3 : 1;
      const messages = Array.from({ length: count }, () => draft(room, `writer ${number} says ${n++}`));
      run.sent.push(...messages);
      const sending = { manner, token, messages };
      while (performance.now() < giveUpAt && !(await sendOnce(random.pick(urls), sending, run)))
        await sleep(random.between(100, 600));
      await sleep(random.between(...pauseMs));
    }
  }

  function draft(room: string, text: string): ChaosMessage {
    return { room, id: randomUUID(), text, sentAt: performance.now(), seqs: [], inLog: 0 };
  }
}

/** Messages of one person. `slug` is their room, if it has another name in the run. */
type Sending = { manner: Manner; token: string; messages: ChaosMessage[]; slug?: string };

/** Sends messages, and notes their receipts. Returns whether all have one now. */
export async function sendOnce(url: string, sending: Sending, { logs }: Pick<SentAndLogs, "logs">): Promise<boolean> {
  const logBefore = logs.length;
  try {
    const events = await send(url, sending);
    // A receipt that arrives while the log is being replaced may be of either log, so it proves
    // nothing.
    if (logs.length === logBefore)
      for (const [n, message] of sending.messages.entries()) note(message, events[n], logBefore - 1);
  } catch {
    return false;
  }
  return sending.messages.every(({ ackedAt }) => ackedAt !== undefined);
}

function note(message: ChaosMessage, event: RoomEvent | undefined, inLog: number): void {
  if (event === undefined) return;
  message.ackedAt ??= performance.now();
  message.inLog = inLog;
  message.seqs.push(event.seq);
}

/** Sends messages once. Returns their events, `undefined` for one that was not stored. */
async function send(url: string, { manner, token, messages, slug }: Sending): Promise<(RoomEvent | undefined)[]> {
  const [{ id, text, ...first }] = messages as [ChaosMessage];
  const room = slug ?? first.room;
  const signal = AbortSignal.timeout(8_000);
  if (manner === "say") {
    const query = new URLSearchParams({ id, text, token });
    const answer = await fetch(`${url}/api/rooms/${room}/say?${query}`, { signal });
    return [(await answer.json()).event];
  }
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const content =
    manner === "batch" ? { messages: messages.map((one) => ({ id: one.id, text: one.text })) } : { id, text };
  const body = JSON.stringify(content);
  const answer = await fetch(`${url}/api/rooms/${room}/messages`, { method: "POST", headers, body, signal });
  const { event, results = [{ event }] } = (await answer.json()) as {
    event?: RoomEvent;
    results?: { event?: RoomEvent }[];
  };
  return results.map((result) => result.event);
}

/** Opens a session at one of the nodes, however often it takes. */
export async function openSession(urls: string[], nickname: string): Promise<string> {
  for (;;) {
    for (const url of urls) {
      try {
        const headers = { "content-type": "application/json" };
        const answer = await fetch(`${url}/api/session`, {
          method: "POST",
          headers,
          body: JSON.stringify({ nickname }),
        });
        if (answer.ok) return (await answer.json()).token;
      } catch {
        await sleep(200);
      }
    }
  }
}
