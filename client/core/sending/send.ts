import type { Member, RoomEvent } from "../../../protocol/event.ts";
import { isWhisperCommand } from "../../../protocol/inbox.ts";
import { PATHS } from "../../../protocol/paths.ts";
import type { Access } from "../base/access.ts";
import { param, placed, proofParam } from "../base/address.ts";
import { createNonce } from "../base/environment.ts";
import { askSafely, isPassing, type Request, readOurs } from "../base/http.ts";
import {
  type BatchSize,
  createBatchSize,
  nextSize,
  noteAnswer,
  noteSilence,
  noteUnknown,
  shrink,
} from "./batch-size.ts";
import { type Content, type Fields, formOf, isSayable, jsonOf, paramsOf } from "./content.ts";
import type { Receipt, SendOutcome } from "./outbox.ts";
import { whenTicketed } from "./tickets.ts";

type Failure = { refused: string } | { retry: true; retryMs?: number | undefined; code?: string | undefined };

/** The outcome of a request for a session. */
export type SessionOutcome = { token: string; member: Member } | Failure;

/** The outcome of an action. `unsayable`: only GET passes, and this action has no GET. */
export type ActOutcome = { done: true } | { unsayable: true } | Failure;

/** Sends to the server by the best kind of request that this network lets through. */
export type Sender = Access & {
  /** The kind of request that is used now, and since when; and the last one that was answered. */
  kind: number;
  chosenAt: number;
  proven: number;
  /** Requests of this kind in a row without any answer. */
  silences: number;
  /** Requests of any kind in a row that timed out. */
  timeouts: number;
  /** The last round trip, 0 if it is not known. */
  lastRttMs: number;
  size: BatchSize;
};

/** A message to be sent. `reply` is the seq of the message that it answers. */
export type Outgoing = { id: string; text: string; reply?: number | undefined };

/** The answer to one message of several. `retryAfter` is in seconds. */
type Result = { event?: Receipt["event"]; code?: string; retryAfter?: number };

/** The JSON of an answer that is the site's own. */
type Ours = { code?: string; token?: string; member?: Member; results?: Result[] } & Partial<Receipt>;

/**
 * The answer to a request. Without `ours`, `isBlocked` means that the network blocks this kind of
 * request, and `isPassing` that no kind is to blame.
 */
type Reply = {
  ours?: Ours | undefined;
  /** The number of the content's parts that the request carried. */
  carried: number;
  rttMs: number;
  retryMs?: number | undefined;
  isBlocked?: boolean;
  isPassing?: boolean;
  isUnsayable?: boolean;
  /** The site, or something before it, failed at this request: the status is 500. */
  isBroken?: boolean;
};

/** A request that was made: how many parts it carries, and whether they do not fit in its URL. */
type Made = { carried: number; timeoutMs: number; isTooLong?: boolean };

/** One attempt, by a kind of request that may carry this many parts of the content. */
type Attempt = { sender: Sender; kind: number; most: number };

/** One sending of some content, which may take several kinds of request. */
type Delivery = Attempt & {
  content: Content;
  /** How many kinds were tried. */
  tried: number;
  /** The last refusal of a kind by the site itself. */
  last?: Reply;
  done(reply: Reply): void;
};

// The kinds of request, best first.
const JSON_POST = 0;
const FORM_POST = 1;
const GET = 2;
const SCRIPT = 3;
const SHORTEST_MS = 2_500;
const UNKNOWN_MS = 5_000;
const LONGEST_MS = 10_000;
// As in hold.ts: on a fast path a slow answer counts as lost. After 30 in a row, for more than a
// minute, the path may have become slow.
const TIMEOUTS_OF_A_FAST_PATH = 30;
// Whole URLs of more than 2000 characters do not pass old browsers and proxies [KB208427].
const LONGEST_URL = 2_000;
// The name of the callback and the status, which jsonp.ts adds.
const SCRIPT_PARAMS = 64;
// A body of this size is no longer than a request's head. Beyond it, a line of 2 kB/s takes time.
const SMALL_BYTES = 1_000;
const BYTES_PER_MS = 2;
const BETTER_AGAIN_MS = 600_000;

/**
 * Creates a sender. It has four kinds of request, best first: POST of JSON, POST of a form, GET
 * with everything in the path, and a script element if the access has any. A kind that is refused
 * without proof that the site itself refused leads to the next one at once; a kind without any
 * answer does so the second time. After ten minutes, and when all have failed, the best one is
 * tried again.
 */
export function createSender(access: Access): Sender {
  return {
    ...access,
    kind: JSON_POST,
    chosenAt: 0,
    proven: JSON_POST,
    silences: 0,
    timeouts: 0,
    lastRttMs: 0,
    size: createBatchSize(access.environment),
  };
}

/**
 * Makes one attempt to send messages to a room, as many of the first ones as one request may carry.
 * Calls back later with their outcomes, at least one. A text that no request can carry is refused
 * here, as the server would refuse it.
 */
export function sendMessages(
  sender: Sender,
  { room, messages }: { room: string; messages: Outgoing[] },
  done: (outcomes: SendOutcome[]) => void,
): void {
  const isWhisper = isWhisperCommand((messages[0] as Outgoing).text);
  const parts = partsOf(messages);
  if (parts.length === 0) {
    sender.environment.later(0, () => done([{ refused: "text_invalid" }]));
    return;
  }
  // A server of before, which knows no whispers, must not take one for a message.
  const path = isWhisper ? PATHS.whispers(room) : PATHS.messages(room);
  const content = { path, getPath: isWhisper ? PATHS.whisper(room) : PATHS.say(room), needsToken: true, parts };
  deliver(sender, content, (reply) => {
    const outcomes: SendOutcome[] = [];
    let postponed = 0;
    for (let i = 0; i < Math.max(1, reply.carried); i++) {
      const outcome = outcomeOf(reply, (messages[i] as Outgoing).id, i);
      if ("retry" in outcome) postponed++;
      outcomes.push(outcome);
    }
    const { code, results } = reply.ours || {};
    if (reply.isBroken) shrink(sender.size, reply.carried);
    else if (results || code === "too_many") noteAnswer(sender.size, reply.carried, postponed);
    else if (reply.ours) noteAnswer(sender.size, reply.carried, 0);
    done(outcomes);
  });
}

/**
 * Returns the first messages that a request can carry together: a whisper alone, or the messages up
 * to one.
 */
function partsOf(messages: Outgoing[]): Fields[] {
  const parts: Fields[] = [];
  for (let i = 0; i < messages.length; i++) {
    const { id, text } = messages[i] as Outgoing;
    const isWhisper = isWhisperCommand(text);
    if (!isSayable(text) || (isWhisper && i > 0)) break;
    parts.push({ id, text });
    if (isWhisper) return parts;
  }
  addReplies(parts, messages);
  return parts;
}

/** In a form, the nth reply belongs to the nth id, so an empty one stands for none. */
function addReplies(parts: Fields[], messages: Outgoing[]): void {
  let hasReplies = false;
  for (let i = 0; i < parts.length; i++) if ((messages[i] as Outgoing).reply !== undefined) hasReplies = true;
  for (let i = 0; i < parts.length && hasReplies; i++) {
    const { reply } = messages[i] as Outgoing;
    (parts[i] as Fields).reply = reply === undefined ? "" : String(reply);
  }
}

/** Uses the kind that was answered last. During an outage, no kind is to blame. */
export function returnToProven(sender: Sender): void {
  if (sender.kind !== sender.proven) choose(sender, sender.proven);
}

/** Requests a session under a nickname. Its token is for clients that keep no cookie. */
export function requestSession(
  sender: Sender,
  { nickname, color }: { nickname: string; color?: string },
  done: (outcome: SessionOutcome) => void,
): void {
  if (!isSayable(nickname)) {
    sender.environment.later(0, () => done({ refused: "nickname_invalid" }));
    return;
  }
  deliver(sender, sessionContent(color === undefined ? { nickname } : { nickname, color }), (reply) => {
    const { token, member } = reply.ours || {};
    done(token !== undefined && member !== undefined ? { token, member } : failureOf(reply));
  });
}

/** Sends something whose answer has no content of interest: enter, leave, typing. */
export function act(
  sender: Sender,
  request: string | { path: string; parts: Fields[] },
  done: (outcome: ActOutcome) => void,
): void {
  deliver(sender, typeof request === "string" ? { path: request, parts: [] } : request, (reply) => {
    if (reply.isUnsayable) done({ unsayable: true });
    else done(reply.ours && reply.ours.code === undefined ? { done: true } : failureOf(reply));
  });
}

/**
 * Sends a signal that may be lost, such as typing, if a connection is free. It is one attempt by
 * the kind of request that is used now, and says nothing about the network.
 */
export function signal(sender: Sender, path: string): void {
  const { kind, environment, http, spare = http.ask } = sender;
  if (kind >= GET) return;
  const { asked } = postOf({ sender, kind, most: 1 }, { path, parts: [] }, createNonce(environment));
  askSafely(environment, (answered) => spare(asked, answered), nothing);
}

function nothing(): void {}

/** A change of a message of the author's, which is erased if there is no text. */
export type Change = { room: string; seq: number; id: string; text?: string };

/** The outcome of a change: the event that it is in the log. */
export type ChangeOutcome = { event: RoomEvent } | Failure;

/** Makes one attempt to edit or erase a message. Repeating it is harmless. */
export function sendChange(
  sender: Sender,
  { room, seq, id, text }: Change,
  done: (outcome: ChangeOutcome) => void,
): void {
  if (text !== undefined && !isSayable(text)) {
    sender.environment.later(0, () => done({ refused: "text_invalid" }));
    return;
  }
  const path = text === undefined ? PATHS.erase(room, seq) : PATHS.edit(room, seq);
  const parts = [text === undefined ? { id } : { id, text }];
  deliver(sender, { path, getPath: path, needsToken: true, parts }, (reply) => {
    const { event } = reply.ours || {};
    done(event === undefined ? failureOf(reply) : { event });
  });
}

/** Makes one attempt to rename the member in a room. Repeating it is harmless. */
export function sendRename(
  sender: Sender,
  { room, nickname, color }: { room: string; nickname: string; color?: string | undefined },
  done: (outcome: SessionOutcome) => void,
): void {
  if (!isSayable(nickname)) {
    sender.environment.later(0, () => done({ refused: "nickname_invalid" }));
    return;
  }
  const path = PATHS.rename(room);
  const parts: Fields[] = [color === undefined ? { nickname } : { nickname, color }];
  deliver(sender, { path, getPath: path, needsToken: true, givesToken: true, parts }, (reply) => {
    const { token, member } = reply.ours || {};
    if (token === undefined || member === undefined) {
      done(failureOf(reply));
      return;
    }
    const { tickets } = sender.address;
    // It would speak under the former name.
    if (tickets) tickets.until = 0;
    if (tickets) tickets.ticket = undefined;
    done({ token, member });
  });
}

function sessionContent(texts: Fields): Content {
  return { path: PATHS.session, getPath: PATHS.session, givesToken: true, parts: [texts] };
}

/** Tries each kind at most once. */
function deliver(sender: Sender, content: Content, done: (reply: Reply) => void): void {
  const { environment, kind, chosenAt } = sender;
  if (kind > 0 && Math.abs(environment.now() - chosenAt) > BETTER_AGAIN_MS) choose(sender, 0);
  attempt({ sender, content, most: nextSize(sender.size), kind: 0, tried: 0, done });
}

function attempt(delivery: Delivery): void {
  const { sender, content } = delivery;
  const { address, kind } = sender;
  delivery.kind = kind;
  delivery.tried++;
  if (kind < GET || !content.needsToken) exchange(delivery);
  else if (address.token === undefined) fetchToken(delivery);
  else if (kind === GET) whenTicketed(sender, () => exchange(delivery));
  else exchange(delivery);
}

/** Gets the token for a GET, in which a cookie is no proof of who speaks. */
function fetchToken(delivery: Delivery): void {
  const { sender, kind } = delivery;
  const { address } = sender;
  const { nickname } = address;
  // A script carries no proof that the cookie is this page's, so it would get a stranger's token.
  if (nickname === undefined || kind === SCRIPT) {
    next(delivery, { rttMs: 0, carried: 1 });
    return;
  }
  request(delivery, sessionContent({ nickname }), (reply) => {
    const { ours } = reply;
    if (ours === undefined) leaveOrWait(delivery, reply);
    else if (ours.token === undefined) delivery.done({ rttMs: 0, retryMs: 0, carried: 1 });
    else {
      address.token = ours.token;
      exchange(delivery);
    }
  });
}

function exchange(delivery: Delivery): void {
  request(delivery, delivery.content, (reply) => {
    if (reply.ours === undefined) leaveOrWait(delivery, reply);
    else if (reply.carried > 1 && isBatchRefused(reply.ours)) {
      const { size } = delivery.sender;
      delivery.most = reply.ours.code === "malformed" ? noteUnknown(size) : shrink(size, reply.carried);
      exchange(delivery);
    } else if (isKindRefused(reply.ours)) {
      delivery.last = reply;
      next(delivery, reply);
    } else {
      delivery.sender.proven = delivery.kind;
      delivery.done(reply);
    }
  });
}

/**
 * Retries after the first silence. If GET passes but the message is too long for it, the next kind
 * follows at once, or the author would never learn that.
 */
function leaveOrWait(delivery: Delivery, reply: Reply): void {
  const { sender, last, done } = delivery;
  const isTooLarge = last?.ours?.code === "too_large";
  if (!reply.isBlocked && !reply.isPassing && reply.rttMs >= SHORTEST_MS) noteSilence(sender.size, reply.carried);
  if (reply.isBlocked || (!reply.isPassing && (++sender.silences >= 2 || isTooLarge))) next(delivery, reply);
  else done(reply);
}

function next(delivery: Delivery, reply: Reply): void {
  const { sender, kind, tried, last, done } = delivery;
  const kinds = sender.script === undefined ? SCRIPT : SCRIPT + 1;
  // Another delivery may have moved on meanwhile.
  if (sender.kind === kind) choose(sender, (kind + 1) % kinds);
  if (tried < kinds) attempt(delivery);
  else done(last || reply);
}

function choose(sender: Sender, kind: number): void {
  sender.kind = kind;
  sender.silences = 0;
  sender.chosenAt = sender.environment.now();
}

/** Makes one request of the delivery's kind. */
function request(delivery: Delivery, content: Content, done: (reply: Reply) => void): void {
  const { sender, kind } = delivery;
  const { environment, http, script } = sender;
  // It is not GET's fault that this content has no GET.
  if (kind >= GET && content.getPath === undefined) {
    done({ rttMs: 0, carried: 0, isPassing: true, isUnsayable: true });
    return;
  }
  const nonce = createNonce(environment);
  const startedAt = environment.now();
  let made: Made = { carried: 1, timeoutMs: 0 };
  askSafely(
    environment,
    (answered) => {
      const one = kind < GET ? postOf(delivery, content, nonce) : getOf(delivery, content, nonce);
      made = one;
      (kind === SCRIPT && script ? script : http.ask)(one.asked, answered);
    },
    ({ status, text, retryMs, lostMs = 0 }) => {
      const { carried, timeoutMs, isTooLong } = made;
      const tookMs = environment.now() - startedAt;
      const rttMs = status === 0 ? tookMs : tookMs - lostMs;
      const isAway = isPassing(status);
      const ours: Ours | undefined = readOurs(http, text, nonce);
      if (ours) heard(sender, ours, rttMs);
      else if (timeoutMs > 0 && rttMs >= timeoutMs) sender.timeouts++;
      done({
        ours: ours && isTooLong ? { code: "too_large" } : ours,
        carried,
        rttMs,
        retryMs,
        isBlocked: status >= 400 && status < 500 && !isAway,
        isPassing: isAway && !(ours && isTooLong),
        isBroken: status === 500,
      });
    },
  );
}

function heard(sender: Sender, { token }: Ours, rttMs: number): void {
  const { address } = sender;
  sender.silences = sender.timeouts = 0;
  sender.lastRttMs = rttMs;
  // The server replaces a token that grows old. The former one's ticket stays good for its minutes.
  if (token !== undefined && address.token !== undefined) address.token = token;
}

function getOf(
  { sender, kind, most }: Delivery,
  { getPath, parts, givesToken }: Content,
  nonce: string,
): Made & { asked: Request } {
  const { address } = sender;
  const { token } = address;
  const head = address.base + getPath;
  // The token stays out of URLs wherever that is possible.
  const isHeader = givesToken && kind === GET && token !== undefined;
  const proof = isHeader ? "" : givesToken && token !== undefined ? param("token", token) : proofParam(address);
  const tail = proof + param("n", nonce);
  const longest = kind === SCRIPT ? LONGEST_URL - SCRIPT_PARAMS : LONGEST_URL;
  const { text, carried } = paramsOf(parts, most, longest - head.length - tail.length);
  const timeoutMs = patienceMs(sender, 0);
  const isTooLong = head.length + text.length + tail.length > longest;
  // Sent without what is too long: while nothing passes, it is not known that only GET would.
  const url = isTooLong ? head + param("n", nonce) : head + text + tail;
  const asked: Request = { method: "GET", url: placed(address, url), timeoutMs, isQuick: true };
  if (isHeader) asked.token = token as string;
  return { asked, carried, timeoutMs, isTooLong };
}

function postOf({ sender, kind, most }: Attempt, content: Content, n: string): Made & { asked: Request } {
  const { http, address } = sender;
  const { base, token, formToken, nickname } = address;
  const rest: Fields = { n };
  // [networks] Some networks strip Authorization, so the token is sent in the body.
  if (token !== undefined) rest.token = token;
  else {
    if (formToken !== undefined) rest.form_token = formToken;
    // The cookie may have another tab's nickname by now, under which this was not written.
    if (content.needsToken && !content.givesToken && nickname !== undefined) rest.nickname = nickname;
  }
  const isForm = kind === FORM_POST;
  const { parts } = content;
  const { text: body, carried } = isForm ? formOf(parts, rest, most) : jsonOf(http.json, { parts, rest, most });
  const timeoutMs = patienceMs(sender, body.length);
  const type = isForm ? "application/x-www-form-urlencoded" : "application/json";
  const url = placed(address, base + content.path + param("n", n));
  // A long one takes its time on a slow line.
  const isQuick = body.length < SMALL_BYTES;
  return { asked: { method: "POST", url, type, body, timeoutMs, isQuick }, carried, timeoutMs };
}

/**
 * Returns a short timeout, since a kept-alive connection may be dead, but lets slow lines through.
 */
function patienceMs({ lastRttMs, timeouts }: Sender, length: number): number {
  const patience = lastRttMs === 0 ? UNKNOWN_MS : Math.max(SHORTEST_MS, 3 * lastRttMs + 1000);
  const doublings = lastRttMs === 0 ? timeouts : Math.max(0, timeouts - TIMEOUTS_OF_A_FAST_PATH);
  const uploadMs = Math.max(0, length - SMALL_BYTES) / BYTES_PER_MS;
  return Math.min(LONGEST_MS, patience * 2 ** Math.min(doublings, 2)) + uploadMs;
}

/** Returns what became of the message with this id, the nth of those that a request carried. */
function outcomeOf(reply: Reply, id: string, n: number): SendOutcome {
  const { ours, rttMs } = reply;
  const { event, cursor, results } = ours || {};
  const result: Result | undefined = reply.carried > 1 && results ? results[n] : event && { event };
  if (result === undefined) return failureOf(reply);
  const { code, retryAfter } = result;
  if (result.event?.id === id && cursor !== undefined) return { receipt: { event: result.event, cursor }, rttMs };
  if (code === undefined || retryAfter !== undefined)
    return { retry: true, retryMs: retryAfter && retryAfter * 1000, code };
  return { refused: code };
}

/**
 * Whether the site refused several messages together, which it may accept one by one: a server of
 * before takes one message in a request.
 */
function isBatchRefused({ code }: Ours): boolean {
  return code === "malformed" || code === "too_large";
}

/** Whether the site refused this kind of request and not its content. */
function isKindRefused({ code }: Ours): boolean {
  return code === "method_not_allowed" || code === "unsupported_type" || code === "forbidden" || code === "too_large";
}

function failureOf({ ours, isPassing: mayPass, retryMs, isBroken }: Reply): Failure {
  const code = isBroken ? "internal" : ours?.code;
  return code === undefined || mayPass ? { retry: true, retryMs, code } : { refused: code };
}
