import type { Context, Middleware } from "koa";
import { FIELDS_MAX } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import { assertFewNames, FIELDS_WITH_BATCH_MAX } from "../guard/fields.ts";
import { setDocumentHeaders } from "../guard/headers.ts";
import { assertUtf8 } from "../guard/utf8.ts";
import { refuse } from "../refusal.ts";
import { readSlug } from "../rooms/slug.ts";

/**
 * Reduces a request's path to its one canonical form, so that no code after this middleware gets
 * another spelling. Sets `ctx.path` to the form without the base path and without parameters,
 * `ctx.state.base` to what links begin with, `ctx.state.pathParams` to the `;name=value` pairs, and
 * `ctx.state.query` to the pairs of the query.
 *
 * Another spelling of a page (case, slashes, needless escapes, a room's name) is answered 308 with
 * the canonical one. Any other path that is not canonical throws `no_such_page`. Throws `malformed`
 * for parameters that cannot be read, and `wrong_host` instead of a redirect for another host.
 *
 * A path without the base is answered as well, since some proxies strip it. In a host's app the
 * base is koa-mount's.
 */
export function canonicalPath(base: string): Middleware {
  return (ctx, next) => {
    const mountPath: unknown = (ctx as { mountPath?: unknown }).mountPath;
    ctx.state.base = (typeof mountPath === "string" ? mountPath.replace(/\/$/, "") : "") + base;
    const full = withoutBase(ctx.path, base);
    const end = full.indexOf(";");
    const path = end < 0 ? full : full.slice(0, end);
    ctx.path = path;
    readParams(ctx, end < 0 ? "" : full.slice(end + 1));
    if (PLAIN.test(path)) return next();
    const segments = segmentsOf(path);
    const page = segments && pageOf(segments);
    if (page !== undefined && page !== path && page !== withUpperEscapes(path)) {
      if (ctx.method !== "GET" && ctx.method !== "HEAD") throw refuse("no_such_page");
      return redirect(ctx, page + full.slice(path.length));
    }
    const form = segments && `/${segments.map(escapeSegment).join("/")}`;
    if (form === undefined || form !== withUpperEscapes(path)) throw refuse("no_such_page");
    ctx.path = form;
    return next();
  };
}

/**
 * Most requests: an API path in its one form, without an escape. The full check takes 4 µs of a
 * message's 380.
 */
const PLAIN = /^\/api(?:\/[\w-]+)+$/;

function withoutBase(path: string, base: string): string {
  const isUnder = base !== "" && (path === base || path.startsWith(`${base}/`) || path.startsWith(`${base};`));
  if (!isUnder) return path;
  const rest = path.slice(base.length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/**
 * Reads the parameters of path and query. A readable nonce is kept even if another parameter is
 * refused.
 */
function readParams(ctx: Context, inPath: string): void {
  const { querystring } = ctx;
  ctx.state.pathParams = [];
  ctx.state.query = new URLSearchParams(querystring);
  if (inPath === "" && querystring === "") return;
  const pairs = inPath === "" ? [] : inPath.split(";", FIELDS_WITH_BATCH_MAX + 1);
  const params = pairs.map(readParam);
  ctx.state.pathParams = params.filter((param) => param !== undefined);
  if (pairs.length + ctx.state.query.size > FIELDS_MAX)
    assertFewNames([...params.map((param) => param?.[0]), ...ctx.state.query.keys()]);
  if (params.includes(undefined))
    throw refuse("malformed", "a parameter in the path: ;name=UTF-8 or ;name64=base64url");
  assertUtf8(querystring);
}

/**
 * [networks 4] Some networks strip queries, so the path may contain parameters. [Apache
 * AllowEncodedSlashes, nginx proxy_pass] A path loses %2F and %3B on its way, so a text may be sent
 * as base64url, with 64 appended to its name.
 */
function readParam(param: string): [string, string] | undefined {
  const at = param.indexOf("=");
  // After a slash, another program would read another path.
  if (at < 1 || param.includes("/")) return undefined;
  const name = param.slice(0, at);
  const value = param.slice(at + 1);
  try {
    if (name.length > 2 && name.endsWith("64")) return [name.slice(0, -2), decode64(value)];
    return [name, decodeURIComponent(value.replaceAll("+", " "))];
  } catch {
    return undefined;
  }
}

/**
 * Decodes base64url. Throws if it is not the one way to write these bytes, or if they are not
 * UTF-8.
 */
function decode64(value: string): string {
  const bytes = Buffer.from(value, "base64url");
  if (bytes.toString("base64url") !== value) throw new TypeError("not base64url");
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

/**
 * A path has few segments and none of ours is long: 64 letters of four bytes are 768 characters of
 * escapes.
 */
const SEGMENTS_MAX = 8;

/**
 * Returns the decoded segments of a path, or `undefined` for a path that cannot be ours. Throws
 * `malformed`.
 */
function segmentsOf(path: string): string[] | undefined {
  if (!path.startsWith("/")) return undefined;
  const parts = path.slice(1).split("/", SEGMENTS_MAX + 1);
  if (parts.length > SEGMENTS_MAX) return undefined;
  return parts.map((part) => decodeSegment(withEscapedBytes(part)));
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw refuse("malformed", "an escape in the path is not UTF-8");
  }
}

/** Some old browsers send raw bytes of UTF-8. Node's parser returns each byte as one character. */
function withEscapedBytes(segment: string): string {
  return segment.replace(/[\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * [RFC 3986 6.2.2.1] The hex digits of an escape mean the same in either case, and proxies change
 * it.
 */
function withUpperEscapes(path: string): string {
  return withEscapedBytes(path).replace(/%[0-9a-f]{2}/gi, (hex) => hex.toUpperCase());
}

/**
 * Returns the canonical path of the page that these segments name in any spelling, or `undefined`
 * where there is none.
 */
function pageOf(segments: string[]): string | undefined {
  const [first, room, last, ...rest] = segments.filter((segment) => segment !== "");
  const name = first?.toLowerCase();
  if (first === undefined) return PATHS.lobby;
  if (name === "doctor" && room === undefined) return PATHS.doctor;
  if (name !== "rooms" || room === undefined) return undefined;
  const slug = readSlug(room) ?? room;
  if (last === undefined) return PATHS.room(slug);
  if (last.toLowerCase() === "live") return [PATHS.live(slug), ...rest.map(escapeSegment)].join("/");
  const part = partOf(slug, last);
  if (rest.length === 0) return part;
  const isChange = part !== undefined && /\/\d+$/.test(part) && rest.join("/").toLowerCase() === "change";
  return isChange ? `${part}/change` : undefined;
}

/** Returns the path of a message, or of another page of a room that has a name. */
function partOf(slug: string, last: string): string | undefined {
  const pages = [PATHS.searchPage(slug), PATHS.logText(slug), PATHS.renamePage(slug)];
  const digits = /^0*([1-9]\d{0,15})$/.exec(last)?.[1];
  if (digits !== undefined) pages.push(`${PATHS.room(slug)}/${digits}`);
  const name = digits ?? last.toLowerCase();
  return pages.find((page) => page.endsWith(`/${name}`));
}

/** Escapes a segment. The live page's parameters are segments, `refresh=10`, and keep their `=`. */
function escapeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll("%3D", "=");
}

/**
 * [RFC 9110 15.4.9] 308 keeps the method. The path begins with one slash, since the canonical form
 * has no empty segment.
 */
function redirect(ctx: Context, path: string): void {
  if (ctx.state.isWrongHost) throw refuse("wrong_host");
  setDocumentHeaders(ctx);
  ctx.redirect(ctx.state.base + path + ctx.search);
  ctx.status = 308;
}
