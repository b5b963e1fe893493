import type { Context, Middleware } from "koa";
import rawBody from "raw-body";
import { refuse } from "../refusal.ts";
import { assertUtf8 } from "./utf8.ts";

/** Bodies are a remark and a few words beside it: 2000 characters are 8 kB in UTF-8, escaped at the worst 24 kB. */
const LIMIT_BYTES = 64 * 1024;

/**
 * Reads a POST's body into `ctx.state.body`, an object by field: JSON, a form, or JSON as text/plain, which a page of
 * another origin may send without asking first, and for which the cookie does not count. Throws `unsupported_type`,
 * `too_large`, `malformed`. What a host app's own body parser has read is taken as it is.
 */
export const body: Middleware = async (ctx, next) => {
  ctx.state.body = ctx.method === "POST" ? await readBody(ctx) : {};
  await next();
};

async function readBody(ctx: Context): Promise<object> {
  const parsed: unknown = (ctx.request as { body?: unknown }).body;
  if (typeof parsed === "object" && parsed !== null) return parsed;
  if (ctx.get("Content-Encoding") !== "") throw refuse("unsupported_type");
  const text = await readText(ctx);
  const type = (ctx.get("Content-Type").split(";")[0] ?? "").trim().toLowerCase();
  if (type === "application/x-www-form-urlencoded") return readForm(text);
  if (type === "application/json" || type === "text/plain") return readJson(text);
  // leave by sendBeacon and enter by a button have nothing to say and need no type
  if (text === "") return {};
  throw refuse("unsupported_type");
}

async function readText(ctx: Context): Promise<string> {
  const bytes = await rawBody(ctx.req, { limit: LIMIT_BYTES, length: ctx.get("Content-Length") || null }).catch(
    (error: { status?: number }) => {
      if (error.status !== 413) throw refuse("malformed");
      // what is left of a body that nobody reads would stand before the connection's next request
      ctx.set("Connection", "close");
      ctx.req.resume();
      throw refuse("too_large");
    },
  );
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw refuse("malformed", "the body is not UTF-8");
  }
}

/** A name that comes several times has its values in a list. */
function readForm(text: string): object {
  assertUtf8(text);
  const fields = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(fields);
}

function readJson(text: string): object {
  const value = text === "" ? {} : parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refuse("malformed", "the body is not a JSON object");
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse("malformed", "the body is not JSON");
  }
}
