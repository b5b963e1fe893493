import type { DoctorEcho } from "../../protocol/doctor.ts";
import { PATHS } from "../../protocol/paths.ts";
import { createNonce } from "../core/base/environment.ts";
import type { AnswerOutcome } from "./findings.ts";
import type { Hands, Question, Reply } from "./hands.ts";

/** The site as the doctor asks it. `url` puts parameters where they arrive: in the path, or, if they get lost there, in the query. */
export type Site = {
  isInQuery: boolean;
  /** Questions that had to be asked again. */
  stumbles: number;
  url(path: string, params: Params, isInQuery?: boolean): string;
};

/** What a step asks with. `busy` ends this run of the step, because the site refused a question of it as too much. */
export type Trial = { hands: Hands; site: Site; busy(retrySeconds: number): void };

/** Parameters by name; ES3 keeps their order. */
export type Params = { [name: string]: string };

/** What became of a question to the echo; `echo` is there when the outcome is `ok`. */
export type Echoed = { outcome: AnswerOutcome; echo?: DoctorEcho; reply: Reply; tookMs: number; timeoutMs: number };

/** How a question to the echo differs from a plain GET with a nonce. */
export type EchoQuestion = {
  method?: "GET" | "POST";
  type?: string;
  /** Makes the body, which carries the nonce; without it the nonce stands in the URL. */
  body?: (nonce: string) => string;
  params?: Params;
  nonce?: string;
  headers?: { [name: string]: string };
  timeoutMs?: number;
  /** Stands behind the parameters as it is. */
  behind?: string;
};

/** An answer that takes longer than this is none: clients give up sooner. */
const TIMEOUT_MS = 8_000;

/** A network that fails now and then is asked three times: what it does always is looked for. */
const TRIES = 3;

/** A question that failed at once is asked again after this long, one that timed out is not. */
const AGAIN_MS = 300;

/** The site at the hands' base. */
export function openSite(hands: Hands): Site {
  const site: Site = {
    isInQuery: false,
    stumbles: 0,
    url: (path, params, isInQuery = site.isInQuery) => {
      let url = hands.base + path;
      let mark = isInQuery ? "?" : ";";
      for (const name in params) {
        url += `${mark}${name}=${encodeURIComponent(params[name] as string)}`;
        if (isInQuery) mark = "&";
      }
      return url;
    },
  };
  return site;
}

/** Asks the echo, again where it failed in passing, and proves the answer: our mark and this question's nonce. */
export function askEcho(trial: Trial, about: EchoQuestion, done: (echoed: Echoed) => void, tries = TRIES): void {
  const { hands, site } = trial;
  const { now, later } = hands.outside;
  const nonce = about.nonce ?? createNonce(hands.outside);
  const timeoutMs = about.timeoutMs ?? TIMEOUT_MS;
  const question: Question = {
    method: about.method ?? "GET",
    url: site.url(PATHS.doctorEcho, paramsOf(about, nonce)) + (about.behind ?? ""),
    headers: about.headers ?? {},
    timeoutMs,
  };
  if (about.body !== undefined) {
    question.type = about.type ?? "application/json";
    question.body = about.body(nonce);
  }
  const asked = now();
  hands.ask(question, (reply) => {
    if (isBusy(reply)) return trial.busy(reply.retrySeconds);
    const tookMs = now() - asked;
    const echo = readEcho(hands, reply.text, nonce);
    const mayPass = reply.status === 0 ? tookMs < timeoutMs : isMomentary(reply.status);
    if (echo === undefined && mayPass && tries > 1) {
      site.stumbles += 1;
      later(Math.max(AGAIN_MS, reply.retrySeconds * 1000), () => askEcho(trial, about, done, tries - 1));
      return;
    }
    const echoed: Echoed = { outcome: echo === undefined ? failureOf(reply) : "ok", reply, tookMs, timeoutMs };
    if (echo !== undefined) echoed.echo = echo;
    done(echoed);
  });
}

/** Is this a refusal of the site itself, which says nothing about the path? In an iframe the text is all there is. */
export function isBusy({ text }: Reply): boolean {
  return text.indexOf('"chattera":1') >= 0 && /"status":(429|503)/.test(text);
}

/** A status that says: not now. [networks] 407 comes in passing too, from proxies that forget who asked. */
export function isMomentary(status: number): boolean {
  return status === 407 || status === 429 || status >= 500;
}

/** A URL that is cut short at its end keeps its nonce. */
function paramsOf({ body, params }: EchoQuestion, nonce: string): Params {
  const all: Params = {};
  if (body === undefined) all.n = nonce;
  for (const name in params) all[name] = params[name] as string;
  return all;
}

function readEcho(hands: Hands, text: string, nonce: string): DoctorEcho | undefined {
  if (text.indexOf('"chattera":1') < 0 || text.indexOf('"stamp"') < 0) return undefined;
  try {
    const echo = hands.parse(text) as DoctorEcho;
    return echo.n === nonce ? echo : undefined;
  } catch {
    return undefined;
  }
}

/** [RFC 6585 6] 511 is a login page that says so. */
function failureOf(reply: Reply): AnswerOutcome {
  if (reply.status === 0) return "silent";
  return reply.status < 400 || reply.status === 511 ? "foreign" : "refused";
}
