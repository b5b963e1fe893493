import type { Member } from "../../../protocol/event.ts";
import { PATHS } from "../../../protocol/paths.ts";
import { createNonce, type Environment } from "../base/environment.ts";
import type { Ask, Http, Request } from "../base/http.ts";
import { readOurs } from "../reading/poll.ts";
import { type Address, param, proofParam, textParam } from "../reading/url.ts";
import type { Outcome, Receipt, Remark } from "./outbox.ts";

/** What became of asking for a session. */
export type SessionOutcome =
  | { token: string; member: Member }
  | { refused: string }
  | { retry: true; retryMs?: number };

/** What became of something that needs no answer's content. `unsayable`: only GET passes, and no GET says it. */
export type ActOutcome = { done: true } | { refused: string } | { retry: true; retryMs?: number } | { unsayable: true };

/** Gets things to the server, by whatever kind of request this network lets through. */
export type Sender = {
  /** One attempt at a message; what is not known is `again`, and the id makes that harmless. */
  say(room: string, remark: Remark, done: (outcome: Outcome) => void): void;
  /** A nickname of one's own; the token is for who keeps no cookie. */
  session(person: { nickname: string; color?: string }, done: (outcome: SessionOutcome) => void): void;
  /** Something that needs no answer's content: enter, leave, typing. */
  act(path: string, done: (outcome: ActOutcome) => void): void;
};

type Fields = { [name: string]: string };

/** What is sent: by POST to `path`, where that is blocked by GET to `getPath`. */
type Message = { path: string; getPath?: string; needsToken?: boolean; fields: Fields; texts: Fields };

/** `ours`: the answer that proved itself. */
type Reply = { ours: object; status: number; retryMs?: number; rttMs: number } | Unanswered;

/** `isBlocked`: somebody on the way does not let this kind of request through; `isPassing`: it is no kind's fault. */
type Unanswered = {
  ours?: undefined;
  retryMs?: number;
  isBlocked?: boolean;
  isPassing?: boolean;
  isUnsayable?: boolean;
};

const KINDS = ["json", "form", "get", "script"];
const SHORTEST_MS = 2_500;
const UNKNOWN_MS = 5_000;
const LONGEST_MS = 10_000;
// as in hold.ts: what was quick is given up soon, for a minute and more
const TIMEOUTS_OF_A_QUICK_WAY = 30;
// Whole URLs of more than 2000 characters do not pass old browsers and proxies [KB208427]
const LONGEST_URL = 2_000;
const BETTER_AGAIN_MS = 600_000;

/**
 * Kinds of request from the best to the last: POST of JSON, of a form, GET with everything in the path, and a script
 * element where there is `script`. What is refused without proof of ours leads to the next at once; silence, twice. After
 * ten minutes, and when all have failed, the best is tried again.
 */
export function createSender(environment: Environment, http: Http, address: Address, script?: Ask): Sender {
  const kinds = script === undefined ? 3 : 4;
  let kind = 0;
  let silences = 0;
  let timeouts = 0;
  let lastRttMs = 0;
  let chosenAt = 0;

  return {
    say(room, remark, done) {
      const message: Message = {
        path: PATHS.messages(room),
        getPath: PATHS.say(room),
        needsToken: true,
        fields: { id: remark.id },
        texts: { text: remark.text },
      };
      send(message, (reply) => done(outcomeOf(reply, remark.id)));
    },
    session({ nickname, color }, done) {
      const texts: Fields = color === undefined ? { nickname } : { nickname, color };
      send({ path: PATHS.session, getPath: PATHS.session, fields: {}, texts }, (reply) => done(sessionOf(reply)));
    },
    act(path, done) {
      send({ path, fields: {}, texts: {} }, (reply) => done(actOutcomeOf(reply)));
    },
  };

  /** Tries each kind at most once; a rate limit or a server that is away is no kind's fault. */
  function send(message: Message, done: (reply: Reply) => void): void {
    if (kind > 0 && Math.abs(environment.now() - chosenAt) > BETTER_AGAIN_MS) choose(0);
    let tried = 0;
    let last: Reply = {};
    attempt();

    function attempt(): void {
      const mine = kind;
      const how = KINDS[mine] as string;
      const isGet = how === "get" || how === "script";
      tried++;
      if (isGet && message.needsToken && address.token === undefined) fetchToken(mine);
      else if (how === "get" && message.needsToken && address.ready !== undefined)
        address.ready(() => exchange(how, message, mine));
      else exchange(how, message, mine);
    }

    // There a cookie is no proof of who speaks; but who has one is given its token.
    function fetchToken(mine: number): void {
      // to a script the cookie says nothing: the token would be a stranger's
      if (address.nickname === undefined || KINDS[mine] === "script") {
        next(mine, last);
        return;
      }
      const { nickname } = address;
      const ask: Message = { path: PATHS.session, getPath: PATHS.session, fields: {}, texts: { nickname } };
      request(KINDS[mine] as string, ask, (reply) => {
        const { token } = (reply.ours ?? {}) as { token?: string };
        if (token !== undefined) {
          address.token = token;
          exchange(KINDS[mine] as string, message, mine);
        } else if (reply.ours !== undefined) done({ retryMs: 0 });
        else leaveOrWait(mine, reply);
      });
    }

    function exchange(how: string, what: Message, mine: number): void {
      request(how, what, (reply) => {
        if (reply.ours === undefined) leaveOrWait(mine, reply);
        else if (isKindRefused(reply.ours)) next(mine, reply);
        else done(reply);
      });
    }

    /** Silence is waited out once; not where GET passes and cannot take the message, or that would never be known. */
    function leaveOrWait(mine: number, reply: Unanswered): void {
      const isSilent = !reply.isBlocked && !reply.isPassing;
      const isTooLarge = (last.ours as { code?: string } | undefined)?.code === "too_large";
      if (reply.isBlocked || (isSilent && (++silences >= 2 || isTooLarge))) next(mine, reply);
      else done(reply);
    }

    /** `mine`: another message may have moved on meanwhile. */
    function next(mine: number, reply: Reply): void {
      if (reply.ours !== undefined) last = reply;
      if (kind === mine) choose((mine + 1) % kinds);
      if (tried < kinds) attempt();
      else done(last.ours === undefined ? reply : last);
    }
  }

  /** One request and what it came to. */
  function request(how: string, message: Message, done: (reply: Reply) => void): void {
    const nonce = createNonce(environment);
    const asked = requestOf(how, message, nonce);
    // what no GET can say is no fault of GET's
    if (asked === undefined) {
      done({ isPassing: true, isUnsayable: true });
      return;
    }
    const isTooLong = asked.url.length > LONGEST_URL;
    // asked without what is too long: while nothing passes, it is not known that only GET would
    if (isTooLong) asked.url = address.base + message.getPath + param("n", nonce);
    const startedAt = environment.now();
    (how === "script" && script !== undefined ? script : http.ask)(asked, ({ status, text, retryMs }) => {
      const rttMs = environment.now() - startedAt;
      const ours = readOurs(http, text, nonce);
      const retry = retryMs === undefined ? {} : { retryMs };
      if (ours !== undefined) {
        silences = 0;
        timeouts = 0;
        lastRttMs = rttMs;
        renewToken(ours);
        done(isTooLong ? { ours: { code: "too_large" }, status: 413, rttMs } : { ours, status, rttMs, ...retry });
        return;
      }
      if (rttMs >= asked.timeoutMs) timeouts++;
      done({ ...retry, isBlocked: status >= 400 && status < 500 && !isPassing(status), isPassing: isPassing(status) });
    });
  }

  /** The server exchanges a token that grows old; the ticket of the former one is good for its few minutes still. */
  function renewToken(ours: object): void {
    const { token } = ours as { token?: string };
    if (token !== undefined && address.token !== undefined) address.token = token;
  }

  function choose(which: number): void {
    kind = which;
    silences = 0;
    chosenAt = environment.now();
  }

  function requestOf(how: string, message: Message, nonce: string): Request | undefined {
    const timeoutMs = patienceMs();
    if (how === "get" || how === "script") {
      if (message.getPath === undefined) return undefined;
      let url = address.base + message.getPath;
      for (const name in message.fields) url += param(name, message.fields[name] as string);
      for (const name in message.texts) url += textParam(name, message.texts[name] as string);
      url += proofParam(address);
      url += param("n", nonce);
      return { method: "GET", url, timeoutMs };
    }
    const fields: Fields = { ...message.fields, ...message.texts, n: nonce };
    // [networks] some networks strip Authorization: the token goes where the message goes
    if (address.token !== undefined) fields.token = address.token;
    else {
      if (address.formToken !== undefined) fields.form_token = address.formToken;
      // the cookie may be of another tab's nickname by now: what was written under this one is not said under that
      if (message.needsToken && address.nickname !== undefined) fields.nickname = address.nickname;
    }
    const isJson = how === "json";
    const body = isJson ? http.json.print(fields) : formOf(fields);
    const type = isJson ? "application/json" : "application/x-www-form-urlencoded";
    return { method: "POST", url: address.base + message.path + param("n", nonce), type, body, timeoutMs };
  }

  /** A kept-alive connection may be dead: rather ask again soon; but a slow line must get through at last. */
  function patienceMs(): number {
    const patience = lastRttMs === 0 ? UNKNOWN_MS : Math.max(SHORTEST_MS, 3 * lastRttMs + 1000);
    const doublings = lastRttMs === 0 ? timeouts : Math.max(0, timeouts - TIMEOUTS_OF_A_QUICK_WAY);
    return Math.min(LONGEST_MS, patience * 2 ** Math.min(doublings, 2));
  }
}

/** It was not this message but this kind of request that could not be taken. */
function isKindRefused(ours: object): boolean {
  const { code } = ours as { code?: string };
  return code === "method_not_allowed" || code === "unsupported_type" || code === "forbidden" || code === "too_large";
}

/** Somebody is away or has too much to do: the server, or a proxy before it. */
export function isPassing(status: number): boolean {
  return status === 407 || status === 408 || status === 429 || status >= 500;
}

function formOf(fields: Fields): string {
  let form = "";
  for (const name in fields) form += `${form === "" ? "" : "&"}${name}=${encodeURIComponent(fields[name] as string)}`;
  return form;
}

function outcomeOf(reply: Reply, id: string): Outcome {
  if (reply.ours === undefined) return retry(reply.retryMs);
  const { event, cursor, code } = reply.ours as Partial<Receipt> & { code?: string };
  if (event?.id === id && cursor !== undefined) return { receipt: { event, cursor }, rttMs: reply.rttMs };
  return code === undefined || isPassing(reply.status) ? retry(reply.retryMs) : { refused: code };
}

function actOutcomeOf(reply: Reply): ActOutcome {
  if (reply.ours === undefined) return reply.isUnsayable ? { unsayable: true } : retry(reply.retryMs);
  const { code } = reply.ours as { code?: string };
  if (code === undefined) return { done: true };
  return isPassing(reply.status) ? retry(reply.retryMs) : { refused: code };
}

function sessionOf(reply: Reply): SessionOutcome {
  if (reply.ours === undefined) return retry(reply.retryMs);
  const { token, member, code } = reply.ours as { token?: string; member?: Member; code?: string };
  if (token !== undefined && member !== undefined) return { token, member };
  return code === undefined || isPassing(reply.status) ? retry(reply.retryMs) : { refused: code };
}

function retry(retryMs: number | undefined): { retry: true; retryMs?: number } {
  return retryMs === undefined ? { retry: true } : { retry: true, retryMs };
}
