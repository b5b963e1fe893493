import type { Context, Middleware } from "koa";
import rawBody from "raw-body";
import { refuse } from "../refusal.ts";
import { assertFewFields, assertFewMembers, mayRepeat, repeats } from "./fields.ts";
import type { Guards } from "./guards.ts";
import { assertUtf8 } from "./utf8.ts";

/**
 * The longest body holds a message and a few short fields: 2000 characters are 8 kB in UTF-8, and
 * at most 24 kB escaped.
 */
const LIMIT_BYTES = 64 * 1024;

/**
 * Reads a POST's body into `ctx.state.body`, an object by field: JSON, a form, or JSON as
 * text/plain, which a page of another origin may send without asking first, and for which the
 * cookie does not count. Where a body parser of the host has read the body, its result is used.
 * Throws `unsupported_type`, `too_large`, `malformed`.
 */
export const body: Middleware = async (ctx, next) => {
  ctx.state.body = ctx.method === "POST" ? await readBody(ctx) : {};
  ctx.state.input = undefined;
  await next();
};

async function readBody(ctx: Context): Promise<object> {
  const body = isParsed(ctx) ? readParsed(ctx) : await parseBody(ctx);
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw refuse("malformed", "the body is not an object");
  assertFewMembers(body);
  return body;
}

/** The parts of a request that a body parser sets. koa-bodyparser also keeps the text. */
type Parsed = { body?: unknown; rawBody?: unknown };

/**
 * Returns whether a parser of the host has read the body. Most leave an empty object for types that
 * they do not read, such as text/plain.
 */
function isParsed({ req, request }: Context): boolean {
  const { body } = request as Parsed;
  if (body === undefined || body === null) return false;
  return req.readableDidRead || typeof body !== "object" || Object.keys(body).length > 0;
}

/** The text passes the checks of a body that we read. An object has lost what they need. */
function readParsed(ctx: Context): unknown {
  const { body, rawBody: raw } = ctx.request as Parsed;
  const text = [raw, body].find(isText);
  const length = text === undefined ? Number(ctx.req.headers["content-length"] ?? 0) : Buffer.byteLength(text);
  if (length > LIMIT_BYTES) throw refuse("too_large");
  return text === undefined ? body : parseBytes(ctx, Buffer.from(text));
}

async function parseBody(ctx: Context): Promise<unknown> {
  if (ctx.req.headers["content-encoding"]) throw refuse("unsupported_type");
  return parseBytes(ctx, await readBytes(ctx));
}

function parseBytes(ctx: Context, bytes: Buffer): unknown {
  const { "content-type": written = "" } = ctx.req.headers;
  const type = (written.split(";", 1)[0] ?? "").trim().toLowerCase();
  if (type === "application/x-www-form-urlencoded") return parseForm(decode(bytes), ctx.state.guards);
  if (type === "text/plain" && ctx.state.guards?.plainText) return { text: decode(bytes) };
  if (type === "application/json" || type === "text/plain") return parseJson(decode(bytes));
  // A leave sent by sendBeacon and an enter sent by a button have an empty body and need no type.
  if (bytes.length === 0) return {};
  throw refuse("unsupported_type");
}

function readBytes(ctx: Context): Promise<Buffer> {
  return rawBody(ctx.req, { limit: LIMIT_BYTES, length: ctx.req.headers["content-length"] || null }).catch(
    (error: { status?: number }) => {
      if (error.status !== 413) throw refuse("malformed");
      // The unread rest of the body would precede the connection's next request.
      ctx.set("Connection", "close");
      ctx.req.resume();
      throw refuse("too_large");
    },
  );
}

function decode(bytes: Buffer): string {
  try {
    return UTF_8.decode(bytes);
  } catch {
    throw refuse("malformed", "the body is not UTF-8");
  }
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Returns the fields of a form. A name that repeats has a list of values. Throws `malformed` if it
 * may not repeat.
 */
function parseForm(text: string, guards: Guards | undefined): object {
  assertFewFields(text);
  assertUtf8(text);
  const fields = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const before = fields.get(name);
    if (before !== undefined && !mayRepeat(name, guards)) throw repeats();
    if (Array.isArray(before)) before.push(value);
    else fields.set(name, before === undefined ? value : [before, value]);
  }
  return Object.fromEntries(fields);
}

function parseJson(text: string): unknown {
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    throw refuse("malformed", "the body is not JSON");
  }
}

function isText(value: unknown): value is string | Buffer {
  return typeof value === "string" || Buffer.isBuffer(value);
}
