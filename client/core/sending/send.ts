import type { Member } from "../../../protocol/event.ts";
import { PATHS } from "../../../protocol/paths.ts";
import type { Access } from "../base/access.ts";
import { param, proofParam, textParam } from "../base/address.ts";
import { createNonce } from "../base/environment.ts";
import { isPassing, type Request, readOurs } from "../base/http.ts";
import type { Receipt, SendOutcome } from "./outbox.ts";
import { whenTicketed } from "./tickets.ts";

type Failure = { refused: string } | { retry: true; retryMs?: number | undefined };

/** The outcome of a request for a session. */
export type SessionOutcome = { token: string; member: Member } | Failure;

/** The outcome of an action. `unsayable`: only GET passes, and this action has no GET. */
export type ActOutcome = { done: true } | { unsayable: true } | Failure;

/** Sends to the server by the best kind of request that this network lets through. */
export type Sender = Access & {
  /** The kind of request that is used now, and since when. */
  kind: number;
  chosenAt: number;
  /** Requests of this kind in a row without any answer. */
  silences: number;
  /** Requests of any kind in a row that timed out. */
  timeouts: number;
  /** The last round trip, 0 if it is not known. */
  lastRttMs: number;
};

type Fields = { [name: string]: string };

/**
 * The content of a request: sent by POST to `path`, or by GET to `getPath` where POST is blocked.
 */
type Content = { path: string; getPath?: string; needsToken?: boolean; fields: Fields; texts: Fields };

/** The JSON of an answer that is the site's own. */
type Ours = { code?: string; token?: string; member?: Member } & Partial<Receipt>;

/**
 * The answer to a request. Without `ours`, `isBlocked` means that the network blocks this kind of
 * request, and `isPassing` that no kind is to blame.
 */
type Reply = {
  ours?: Ours | undefined;
  rttMs: number;
  retryMs?: number | undefined;
  isBlocked?: boolean;
  isPassing?: boolean;
  isUnsayable?: boolean;
};

/** One sending of some content, which may take several kinds of request. */
type Delivery = {
  sender: Sender;
  content: Content;
  /** The kind of the attempt that is under way, and how many kinds were tried. */
  kind: number;
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
const BETTER_AGAIN_MS = 600_000;

/**
 * Creates a sender. It has four kinds of request, best first: POST of JSON, POST of a form, GET
 * with everything in the path, and a script element if the access has any. A kind that is refused
 * without proof that the site itself refused leads to the next one at once; a kind without any
 * answer does so the second time. After ten minutes, and when all have failed, the best one is
 * tried again.
 */
export function createSender(access: Access): Sender {
  return { ...access, kind: JSON_POST, chosenAt: 0, silences: 0, timeouts: 0, lastRttMs: 0 };
}

/** Makes one attempt to send a message to a room. */
export function sendMessage(
  sender: Sender,
  { room, id, text }: { room: string; id: string; text: string },
  done: (outcome: SendOutcome) => void,
): void {
  const content = {
    path: PATHS.messages(room),
    getPath: PATHS.say(room),
    needsToken: true,
    fields: { id },
    texts: { text },
  };
  deliver(sender, content, (reply) => {
    const { event, cursor } = reply.ours || {};
    if (event?.id === id && cursor !== undefined) done({ receipt: { event, cursor }, rttMs: reply.rttMs });
    else done(failureOf(reply));
  });
}

/** Requests a session under a nickname. Its token is for clients that keep no cookie. */
export function requestSession(
  sender: Sender,
  { nickname, color }: { nickname: string; color?: string },
  done: (outcome: SessionOutcome) => void,
): void {
  deliver(sender, sessionContent(color === undefined ? { nickname } : { nickname, color }), (reply) => {
    const { token, member } = reply.ours || {};
    done(token !== undefined && member !== undefined ? { token, member } : failureOf(reply));
  });
}

/** Sends something whose answer has no content of interest: enter, leave, typing. */
export function act(sender: Sender, path: string, done: (outcome: ActOutcome) => void): void {
  deliver(sender, { path, fields: {}, texts: {} }, (reply) => {
    if (reply.isUnsayable) done({ unsayable: true });
    else done(reply.ours && reply.ours.code === undefined ? { done: true } : failureOf(reply));
  });
}

function sessionContent(texts: Fields): Content {
  return { path: PATHS.session, getPath: PATHS.session, fields: {}, texts };
}

/** Tries each kind at most once. */
function deliver(sender: Sender, content: Content, done: (reply: Reply) => void): void {
  const { environment, kind, chosenAt } = sender;
  if (kind > 0 && Math.abs(environment.now() - chosenAt) > BETTER_AGAIN_MS) choose(sender, 0);
  attempt({ sender, content, kind: 0, tried: 0, done });
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
    next(delivery, { rttMs: 0 });
    return;
  }
  request(delivery, sessionContent({ nickname }), (reply) => {
    const { ours } = reply;
    if (ours === undefined) leaveOrWait(delivery, reply);
    else if (ours.token === undefined) delivery.done({ rttMs: 0, retryMs: 0 });
    else {
      address.token = ours.token;
      exchange(delivery);
    }
  });
}

function exchange(delivery: Delivery): void {
  request(delivery, delivery.content, (reply) => {
    if (reply.ours === undefined) leaveOrWait(delivery, reply);
    else if (isKindRefused(reply.ours)) {
      delivery.last = reply;
      next(delivery, reply);
    } else delivery.done(reply);
  });
}

/**
 * Retries after the first silence. If GET passes but the message is too long for it, the next kind
 * follows at once, or the author would never learn that.
 */
function leaveOrWait(delivery: Delivery, reply: Reply): void {
  const { sender, last, done } = delivery;
  const isTooLarge = last?.ours?.code === "too_large";
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
  const { environment, http, address, script } = sender;
  const nonce = createNonce(environment);
  const asked = kind < GET ? postOf(delivery, content, nonce) : getOf(sender, content);
  // It is not GET's fault that this content has no GET.
  if (asked === undefined) {
    done({ rttMs: 0, isPassing: true, isUnsayable: true });
    return;
  }
  asked.url += param("n", nonce);
  const isTooLong = asked.url.length > LONGEST_URL;
  // Sent without what is too long: while nothing passes, it is not known that only GET would.
  if (isTooLong) asked.url = address.base + content.getPath + param("n", nonce);
  const startedAt = environment.now();
  (kind === SCRIPT && script ? script : http.ask)(asked, ({ status, text, retryMs }) => {
    const rttMs = environment.now() - startedAt;
    const isAway = isPassing(status);
    const ours: Ours | undefined = readOurs(http, text, nonce);
    if (ours) heard(sender, ours, rttMs);
    else if (rttMs >= asked.timeoutMs) sender.timeouts++;
    done({
      ours: ours && isTooLong ? { code: "too_large" } : ours,
      rttMs,
      retryMs,
      isBlocked: status >= 400 && status < 500 && !isAway,
      isPassing: isAway && !(ours && isTooLong),
    });
  });
}

function heard(sender: Sender, { token }: Ours, rttMs: number): void {
  const { address } = sender;
  sender.silences = sender.timeouts = 0;
  sender.lastRttMs = rttMs;
  // The server replaces a token that grows old. The former one's ticket stays good for its minutes.
  if (token !== undefined && address.token !== undefined) address.token = token;
}

function getOf(sender: Sender, { getPath, fields, texts }: Content): Request | undefined {
  if (getPath === undefined) return undefined;
  const { address } = sender;
  let url = address.base + getPath;
  for (const name in fields) url += param(name, fields[name] as string);
  for (const name in texts) url += textParam(name, texts[name] as string);
  return { method: "GET", url: url + proofParam(address), timeoutMs: patienceMs(sender) };
}

function postOf({ sender, kind }: Delivery, content: Content, n: string): Request {
  const { http, address } = sender;
  const { base, token, formToken, nickname } = address;
  const fields: Fields = { ...content.fields, ...content.texts, n };
  // [networks] Some networks strip Authorization, so the token is sent in the body.
  if (token !== undefined) fields.token = token;
  else {
    if (formToken !== undefined) fields.form_token = formToken;
    // The cookie may have another tab's nickname by now, under which this was not written.
    if (content.needsToken && nickname !== undefined) fields.nickname = nickname;
  }
  return {
    method: "POST",
    url: base + content.path,
    type: kind === FORM_POST ? "application/x-www-form-urlencoded" : "application/json",
    body: kind === FORM_POST ? formOf(fields) : http.json.print(fields),
    timeoutMs: patienceMs(sender),
  };
}

/**
 * Returns a short timeout, since a kept-alive connection may be dead, but lets slow lines through.
 */
function patienceMs({ lastRttMs, timeouts }: Sender): number {
  const patience = lastRttMs === 0 ? UNKNOWN_MS : Math.max(SHORTEST_MS, 3 * lastRttMs + 1000);
  const doublings = lastRttMs === 0 ? timeouts : Math.max(0, timeouts - TIMEOUTS_OF_A_FAST_PATH);
  return Math.min(LONGEST_MS, patience * 2 ** Math.min(doublings, 2));
}

/** Whether the site refused this kind of request and not its content. */
function isKindRefused({ code }: Ours): boolean {
  return code === "method_not_allowed" || code === "unsupported_type" || code === "forbidden" || code === "too_large";
}

function formOf(fields: Fields): string {
  let form = "";
  for (const name in fields) form += `${form === "" ? "" : "&"}${name}=${encodeURIComponent(fields[name] as string)}`;
  return form;
}

function failureOf({ ours, isPassing: mayPass, retryMs }: Reply): Failure {
  const code = ours?.code;
  return code === undefined || mayPass ? { retry: true, retryMs } : { refused: code };
}
