import type { Context } from "koa";
import { LINE_CHOICES, type LogChoice } from "../pages/log-choice.ts";
import { refuse } from "../refusal.ts";
import { inputOf } from "./input.ts";

// The page's script writes them, too.
const ORDER_COOKIE = "order";
const LINES_COOKIE = "lines";
const YEAR_MS = 365 * 24 * 3_600_000;

/** Returns how the reader has chosen to read logs. */
export function logChoiceOf(ctx: Context): LogChoice {
  const lines = Number(ctx.cookies.get(LINES_COOKIE));
  return {
    isNewestOnTop: ctx.cookies.get(ORDER_COOKIE) === "newest",
    lines: LINE_CHOICES.includes(lines) ? lines : 0,
  };
}

/**
 * Remembers the order of `?order=newest` or `oldest`, and the number of `?lines=20` or `auto`, for
 * a year. Returns `false` if neither is asked for. Throws `malformed`.
 */
export function chooseLog(ctx: Context): boolean {
  const input = inputOf(ctx);
  const order = oneOf(input.text("order"), ["oldest", "newest"]);
  const lines = oneOf(input.text("lines"), ["auto", ...LINE_CHOICES.map(String)]);
  if (order !== undefined) remember(ctx, ORDER_COOKIE, order);
  if (lines !== undefined) remember(ctx, LINES_COOKIE, lines);
  return order !== undefined || lines !== undefined;
}

function oneOf(value: string | undefined, values: string[]): string | undefined {
  if (value !== undefined && !values.includes(value)) throw refuse("malformed");
  return value;
}

function remember(ctx: Context, name: string, value: string): void {
  ctx.cookies.set(name, value, {
    path: ctx.state.base || "/",
    sameSite: "lax",
    httpOnly: false,
    maxAge: YEAR_MS,
    overwrite: true,
  });
}
