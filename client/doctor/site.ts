import type { DoctorEcho } from "../../protocol/doctor.ts";
import { isOwn } from "../../protocol/own.ts";
import { PATHS } from "../../protocol/paths.ts";
import { createNonce } from "../core/base/environment.ts";
import type { DoctorEnvironment, DoctorReply, DoctorRequest } from "./environment.ts";
import type { AnswerOutcome } from "./findings.ts";

/** The site as the doctor addresses it. */
export type DoctorSite = {
  /** Do parameters travel in the query, because those in the path are lost? */
  isInQuery: boolean;
  /** Requests that had to be repeated. */
  stumbles: number;
  url(path: string, params: Params): string;
};

/**
 * The context of a step's requests. `busy` ends this run of the step: the site refused a request as
 * too much.
 */
export type Trial = {
  environment: DoctorEnvironment;
  site: DoctorSite;
  busy(retrySeconds: number): void;
};

/** Parameters by name, in the order in which they were set. */
export type Params = { [name: string]: string };

/** The outcome of a request to the echo. `echo` is there when the outcome is `ok`. */
export type Echoed = { outcome: AnswerOutcome; echo?: DoctorEcho; reply: DoctorReply; tookMs: number };

/** How a request to the echo differs from a plain GET with a nonce. */
export type EchoRequest = {
  method?: "GET" | "POST";
  type?: string;
  /** Returns a body that carries the nonce. Without a body the URL carries it. */
  body?: (nonce: string) => string;
  params?: Params;
  nonce?: string;
  headers?: { [name: string]: string };
  timeoutMs?: number;
  /** Appended to the URL unchanged. */
  suffix?: string;
  /** How often the request is made at most. */
  tries?: number;
};

/** An answer that takes longer counts as lost: clients give up sooner. */
const TIMEOUT_MS = 8_000;

/** Three tries separate permanent failures from occasional ones. */
const TRIES = 3;

/** The delay before a request that failed at once is repeated. One that timed out is not. */
const REPEAT_MS = 300;

/** Returns the site at the environment's base URL. */
export function openSite(environment: DoctorEnvironment): DoctorSite {
  const site: DoctorSite = {
    isInQuery: false,
    stumbles: 0,
    url: (path, params) => {
      const { isInQuery } = site;
      let url = environment.base + path;
      let mark = isInQuery ? "?" : ";";
      for (const name in params) {
        if (!isOwn(params, name)) continue;
        url += `${mark}${name}=${encodeURIComponent(params[name] as string)}`;
        if (isInQuery) mark = "&";
      }
      return url;
    },
  };
  return site;
}

/**
 * Makes a request to the echo, repeats it after a passing failure, and verifies the answer: it must
 * carry chattera's mark and this request's nonce.
 */
export function askEcho(trial: Trial, about: EchoRequest, done: (echoed: Echoed) => void): void {
  const { environment, site } = trial;
  const { now, later } = environment.clock;
  repeatable(site, about.tries ?? TRIES, (repeat) => {
    const nonce = about.nonce ?? createNonce(environment.clock);
    const request = echoRequest(site, about, nonce);
    const startMs = now();
    environment.request(request, (reply) => {
      if (isBusy(reply)) return trial.busy(reply.retrySeconds);
      const tookMs = now() - startMs;
      const echo = readEcho(environment, reply.text, nonce);
      const isPassing = reply.status === 0 ? tookMs < request.timeoutMs : isMomentary(reply.status);
      if (echo === undefined && isPassing && repeat !== undefined) {
        later(Math.max(REPEAT_MS, reply.retrySeconds * 1000), repeat);
        return;
      }
      const echoed: Echoed = { outcome: echo === undefined ? failureOf(reply) : "ok", reply, tookMs };
      if (echo !== undefined) echoed.echo = echo;
      done(echoed);
    });
  });
}

/**
 * Makes an attempt. Until the last one, it is passed a function that counts it as a stumble and
 * makes the next.
 */
export function repeatable(site: DoctorSite, tries: number, attempt: (repeat: (() => void) | undefined) => void): void {
  const repeat = () => {
    site.stumbles += 1;
    repeatable(site, tries - 1, attempt);
  };
  attempt(tries > 1 ? repeat : undefined);
}

/**
 * Is this a refusal by the site itself, which says nothing about the path? In an iframe only the
 * text is known.
 */
export function isBusy({ text }: DoctorReply): boolean {
  return text.indexOf('"chattera":1') >= 0 && /"status":(429|503)/.test(text);
}

/**
 * Returns the code with which chattera itself refused a request as one that no site at this address
 * answers, such as `wrong_host`. A site that is at its limits or fails is at the address.
 */
export function refusalCode({ parse }: DoctorEnvironment, { status, text }: DoctorReply): string | undefined {
  if ((status !== 404 && status !== 421) || text.indexOf('"chattera":1') < 0) return undefined;
  try {
    return (parse(text) as { code?: string }).code;
  } catch {
    return undefined;
  }
}

/**
 * Is this a status of a passing failure? [networks] 407 is one too, from proxies that forget a
 * login.
 */
export function isMomentary(status: number): boolean {
  return status === 407 || status === 429 || status >= 500;
}

function echoRequest(site: DoctorSite, about: EchoRequest, nonce: string): DoctorRequest {
  const request: DoctorRequest = {
    method: about.method ?? "GET",
    url: site.url(PATHS.doctorEcho, paramsOf(about, nonce)) + (about.suffix ?? ""),
    headers: about.headers ?? {},
    timeoutMs: about.timeoutMs ?? TIMEOUT_MS,
  };
  if (about.body !== undefined) {
    request.type = about.type ?? "application/json";
    request.body = about.body(nonce);
  }
  return request;
}

/** The nonce comes first, so that it survives a URL that is cut off at its end. */
function paramsOf({ body, params }: EchoRequest, nonce: string): Params {
  const all: Params = {};
  if (body === undefined) all.n = nonce;
  for (const name in params) if (isOwn(params, name)) all[name] = params[name] as string;
  return all;
}

function readEcho(environment: DoctorEnvironment, text: string, nonce: string): DoctorEcho | undefined {
  if (text.indexOf('"chattera":1') < 0 || text.indexOf('"stamp"') < 0) return undefined;
  try {
    const echo = environment.parse(text) as DoctorEcho;
    return echo.n === nonce ? echo : undefined;
  } catch {
    return undefined;
  }
}

/** [RFC 6585 6] 511 is a login page that says so. */
function failureOf(reply: DoctorReply): AnswerOutcome {
  if (reply.status === 0) return "silent";
  return reply.status < 400 || reply.status === 511 ? "foreign" : "refused";
}
