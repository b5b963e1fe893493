import type { PollAnswer } from "../../../protocol/event.ts";
import { PATHS } from "../../../protocol/paths.ts";
import { type Address, inQuery, param } from "../base/address.ts";
import { type Answer, type Http, type Request, readOurs } from "../base/http.ts";
import type { Ending, Reading, Sink, Transport } from "./transport.ts";
import { readingUrl } from "./url.ts";

/**
 * `isUnlisted`: polls read under the path of their room, which no list of filters has. `isQuery`:
 * their parameters are in the query, and if they are answered, so are those of all other requests.
 */
type PollOptions = { name?: string; isUnlisted?: boolean; isQuery?: boolean };

/**
 * Creates a transport of polls: one request, held by the server until there is something to answer.
 */
export function createPoll(
  http: Http,
  address: Address,
  { name = "poll", isUnlisted = false, isQuery = false }: PollOptions = {},
): Transport {
  return {
    name,
    streams: false,
    isUnlisted,
    open(reading, sink) {
      const { rooms } = reading;
      const url = isUnlisted
        ? pollUrl(address, PATHS.since(rooms[0] as string), { ...reading, rooms: rooms.slice(1) })
        : pollUrl(address, PATHS.poll, reading);
      const { wait, graceMs, nonce, once } = reading;
      const asked: Request = {
        method: "GET",
        url: isQuery ? inQuery(url) : url,
        timeoutMs: wait * 1000 + graceMs,
        isFresh: once,
        isQuick: wait === 0,
      };
      return http.ask(asked, (answer) => {
        const poll = readPoll(http, answer, nonce);
        if (poll !== undefined) address.isQuery = isQuery;
        bring(sink, { answer, poll, code: readCode(http, answer, nonce) });
      });
    },
  };
}

function pollUrl(address: Address, path: string, reading: Reading): string {
  const url = readingUrl(address, path, reading) + param("wait", String(reading.wait));
  return reading.once ? url + param("once", "1") : url;
}

/** A poll's answer, as what it is: a poll, a refusal of the site with its code, or neither. */
type Read = { answer: Answer; poll: PollAnswer | undefined; code: string | undefined };

function bring(sink: Sink, { answer: { retryMs, lostMs }, poll, code }: Read): void {
  if (poll === undefined) {
    const ending: Ending = { how: "refused" };
    if (retryMs !== undefined) ending.retryMs = retryMs;
    if (code !== undefined) ending.code = code;
    sink("ended", ending);
    return;
  }
  sink("answer", poll);
  let ending: Ending = { how: "answered", lostMs };
  for (let i = 0; i < poll.signals.length; i++) {
    const signal = poll.signals[i] as PollAnswer["signals"][number];
    if (signal.signal === "bye") ending = { how: "bye", retryMs: signal.retry };
  }
  sink("ended", ending);
}

// A login page's 200 lacks the site's mark, and a cached answer has an older nonce.
function readPoll(http: Http, { status, text }: Answer, nonce: string): PollAnswer | undefined {
  if (status !== 200) return undefined;
  const poll = readOurs(http, text, nonce) as PollAnswer | undefined;
  return poll !== undefined && isList(poll.events) && isList(poll.signals) ? poll : undefined;
}

function readCode(http: Http, { status, text }: Answer, nonce: string): string | undefined {
  if (status !== 401 && status !== 403 && status !== 404) return undefined;
  const refusal = readOurs(http, text, nonce) as { code?: string } | undefined;
  return refusal?.code;
}

// Something on the way may write into an answer, too.
function isList(list: unknown[] | undefined): boolean {
  if (typeof list !== "object" || list === null) return false;
  for (let i = 0; i < list.length; i++) if (!list[i]) return false;
  return list.length >= 0;
}
