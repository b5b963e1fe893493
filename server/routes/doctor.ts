import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";
import type { Context } from "koa";
import { DOCTOR_HEADERS, DOCTOR_LONGEST_MS, DOCTOR_STREAMS, type DoctorEcho } from "../../protocol/doctor.ts";
import { PATHS } from "../../protocol/paths.ts";
import { Slots } from "../delivery/slots.ts";
import { setDocumentHeaders } from "../guard/headers.ts";
import type { RateLimits } from "../guard/rate-limit.ts";
import { answer } from "../http/answer.ts";
import { ASSETS } from "../http/assets.ts";
import { type Input, inputOf, nonceOf } from "../http/input.ts";
import { pageLayout } from "../http/page-layout.ts";
import { payerOf, visitorOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import { park } from "../http/stalls.ts";
import { renderDoctor } from "../pages/doctor.ts";
import { refuse } from "../refusal.ts";
import type { Site } from "../site.ts";
import { SSE_HEADERS } from "../streams/kinds.ts";
import { chooseLanguage } from "./pages.ts";

/** Held answers and streams at once; each is a socket and a timer. */
const HELD_MAX = 200;

/**
 * The page's test of connections holds seven at once: five people of one office can test at the
 * same time.
 */
const HELD_PER_NETWORK = 35;

/**
 * The cookie that tests whether cookies come back. Half a minute is longer than the two requests
 * are apart.
 */
const COOKIE = "doctor";
const COOKIE_MS = 30_000;

/**
 * Returns the routes of the path doctor: its page, and the targets of its tests. The tests need
 * neither session nor database, and no guard refuses them for headers that a network has changed.
 */
export function doctorRoutes(site: Site, limits: RateLimits): Route[] {
  const slots = new Slots<ServerResponse>({
    max: HELD_MAX,
    networkMax: Number.POSITIVE_INFINITY,
    memberMax: Number.POSITIVE_INFINITY,
    dismiss: (response) => response.destroy(),
  });
  const probing = { api: true, auth: "none", cookie: "never" } as const;
  const askEcho = (ctx: Context) => probe(ctx, echo);
  const askStream = (ctx: Context) => probe(ctx, stream);
  return [
    {
      method: "GET",
      path: PATHS.doctor,
      guards: { page: true, auth: "none", cookie: "never" },
      handle: (ctx) => {
        if (!chooseLanguage(ctx)) showDoctor(ctx, site);
      },
    },
    { method: "GET", path: PATHS.doctorEcho, guards: probing, handle: askEcho },
    { method: "POST", path: PATHS.doctorEcho, guards: probing, handle: askEcho },
    { method: "GET", path: PATHS.doctorStream, guards: probing, handle: askStream },
    { method: "POST", path: PATHS.doctorStream, guards: probing, handle: askStream },
  ];

  async function probe(ctx: Context, work: (ctx: Context, input: Input) => Promise<void>): Promise<void> {
    limits.probes.take(payerOf(ctx));
    // If the client has gone, `close` has already fired and will not fire again.
    if (ctx.res.destroyed) return;
    const input = inputOf(ctx);
    if (work === stream || input.number("hold", { min: 0, max: DOCTOR_LONGEST_MS }, 0) > 0) hold(ctx);
    await work(ctx, input);
  }

  /** A running test is not ended for a newer one of its network: it would blame the network. */
  function hold(ctx: Context): void {
    const visitor = visitorOf(ctx, site);
    if (site.config.limits && slots.heldBy(visitor) >= HELD_PER_NETWORK * visitor.factor)
      throw refuse("too_many", "Too many tests of the path doctor run in your network. Try again in 20 s.", 20);
    const slot = slots.take(ctx.res, visitor);
    if (slot === undefined)
      throw refuse("no_place", "Too many tests of the path doctor run here. Try again in 20 s.", 20);
    ctx.res.once("close", () => slots.free(slot));
  }
}

function showDoctor(ctx: Context, site: Site): void {
  const base = `${ctx.state.base}/assets/`;
  setDocumentHeaders(ctx);
  ctx.type = "text/html; charset=utf-8";
  ctx.body = renderDoctor(pageLayout(ctx, site), {
    script: base + ASSETS.doctorScript,
    style: base + ASSETS.doctorStyle,
  });
}

/** Answers with the parts of the request that arrived, after `hold` milliseconds, like a poll. */
async function echo(ctx: Context, input: Input): Promise<void> {
  const holdMs = input.number("hold", { min: 0, max: DOCTOR_LONGEST_MS }, 0);
  const value: Omit<DoctorEcho, "chattera" | "n"> = {
    stamp: randomBytes(8).toString("hex"),
    at: Date.now(),
    query: ctx.state.query.has("q"),
    pad: input.text("pad")?.length ?? 0,
    headers: Object.fromEntries(
      Object.entries(DOCTOR_HEADERS).map(([name, value]) => [name, ctx.get(name).includes(value)]),
    ),
    cookie: ctx.cookies.get(COOKIE) !== undefined,
    origin: ctx.get("Origin") !== "",
    host: ctx.state.host,
    secure: ctx.state.isSecure,
    http: ctx.req.httpVersion,
    via: countOf(ctx.get("Via")),
    forwarded: countOf(ctx.get("X-Forwarded-For")),
  };
  if (input.text("set") === "1")
    ctx.cookies.set(COOKIE, "1", { maxAge: COOKIE_MS, sameSite: "lax", path: ctx.state.base || "/" });
  park(ctx);
  if (holdMs > 0) await sleep(ctx.res, holdMs);
  ctx.set("X-Accel-Buffering", "no");
  answer(ctx, value);
}

function countOf(list: string): number {
  return list.split(",").filter((part) => part.trim() !== "").length;
}

/**
 * Sends `frames` frames, `gap` milliseconds apart, the first at once, and `quiet` milliseconds
 * later a last one that marks the end. It has the headers of chattera's own streams.
 */
async function stream(ctx: Context, input: Input): Promise<void> {
  const kind = input.text("as") ?? "event-stream";
  if (!isKind(kind)) throw refuse("malformed", `as: one of ${Object.keys(DOCTOR_STREAMS).join(", ")}`);
  const frames = input.number("frames", { min: 1, max: 30 }, 3);
  const gapMs = input.number("gap", { min: 0, max: 10_000 }, 500);
  const quietMs = input.number("quiet", { min: 0, max: DOCTOR_LONGEST_MS }, 1500);
  if ((frames - 1) * gapMs + quietMs > DOCTOR_LONGEST_MS)
    throw refuse("malformed", `frames, gap and quiet: ${DOCTOR_LONGEST_MS} ms at most`);
  const nonce = nonceOf(input);
  ctx.status = 200;
  if (kind === "html") setDocumentHeaders(ctx);
  ctx.set({ ...SSE_HEADERS, "Content-Type": DOCTOR_STREAMS[kind] });
  if (ctx.method === "HEAD") return;
  ctx.respond = false;
  const { res } = ctx;
  res.socket?.setNoDelay(true);
  res.flushHeaders();
  if (kind === "html") res.write(HTML_PRELUDE);
  park(ctx);
  for (let n = 0; n < frames; n += 1) {
    if (n > 0) await sleep(res, gapMs);
    write(res, kind, { chattera: 1, n: nonce, frame: n });
  }
  await sleep(res, quietMs);
  write(res, kind, { chattera: 1, n: nonce, frame: frames, end: true });
  res.end();
}

function isKind(kind: string): kind is keyof typeof DOCTOR_STREAMS {
  return Object.hasOwn(DOCTOR_STREAMS, kind);
}

/**
 * Old browsers show nothing of a page before its second kilobyte. The nonce is a name without
 * markup, see nonceOf.
 */
const HTML_PRELUDE = `<!DOCTYPE html><html lang="en"><title>doctor</title><body><!--${" ".repeat(2048)}-->\n`;

function write(res: ServerResponse, kind: string, frame: object): void {
  if (res.writableEnded || res.destroyed) return;
  const json = JSON.stringify(frame);
  res.write(kind === "html" ? `<p>${json}</p>\n` : `data: ${json}\n\n`);
}

/** Ends early if the client disconnects. */
async function sleep(res: ServerResponse, ms: number): Promise<void> {
  if (res.destroyed) return;
  const gone = new AbortController();
  const go = () => gone.abort();
  res.once("close", go);
  await setTimeout(ms, undefined, { signal: gone.signal }).catch(() => undefined);
  res.off("close", go);
}
