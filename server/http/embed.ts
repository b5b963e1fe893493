import type { Context } from "koa";
import type { Language } from "../pages/language.ts";
import { refuse } from "../refusal.ts";
import { inputOf } from "./input.ts";

/** How a page that shows a room in a frame wants it: these need no cookie. */
export type EmbedChoice = { language?: Language; scheme?: "light" | "dark" };

/**
 * Reads `embed=1`, `language` and `theme` of a room's page in a frame, and keeps them for the
 * page's layout. Returns whether the page is in a frame. Throws `malformed`.
 */
export function readEmbed(ctx: Context): boolean {
  const input = inputOf(ctx);
  if (input.text("embed") !== "1") return false;
  const language = oneOf("language", input.text("language"), ["en", "ja"] as const);
  const scheme = oneOf("theme", input.text("theme"), ["light", "dark", "auto"] as const);
  const choice: EmbedChoice = {};
  if (language !== undefined) choice.language = language;
  if (scheme !== undefined && scheme !== "auto") choice.scheme = scheme;
  ctx.state.embed = choice;
  return true;
}

/** Returns how the frame around a page wants it, if it is in one. */
export function embedOf(ctx: Context): EmbedChoice {
  return ctx.state.embed ?? {};
}

function oneOf<Value extends string>(
  name: string,
  value: string | undefined,
  values: readonly Value[],
): Value | undefined {
  if (value === undefined) return undefined;
  const found = values.find((one) => one === value);
  if (found === undefined) throw refuse("malformed", `${name}: ${values.join(", ")}`);
  return found;
}
