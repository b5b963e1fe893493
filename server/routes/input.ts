import type { Context } from "koa";
import { NONCE } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";

/** What a request says, wherever it says it: body before query before path. */
export type Input = {
  /** The first value of a name; `undefined` where it is absent or empty. Throws `malformed` where it is no text. */
  text(name: string): string | undefined;
  /** All values of a name. */
  texts(name: string): string[];
  /** A number from `low` to `high`: beyond them the nearer one, `otherwise` where absent. Throws `malformed`. */
  number(name: string, low: number, high: number, otherwise: number): number;
};

/** Reads a request's input; of one that was refused early, what was read of it by then. */
export function inputOf(ctx: Context): Input {
  const pathParams: [string, string][] = ctx.state.pathParams ?? [];
  const query: URLSearchParams = ctx.state.query ?? new URLSearchParams();
  const body: { [name: string]: unknown } = ctx.state.body ?? {};
  return { text: (name) => texts(name)[0], texts, number };

  function texts(name: string): string[] {
    const sent = Object.hasOwn(body, name) ? [body[name]].flat() : [];
    if (!sent.every((value) => typeof value === "string" || typeof value === "number"))
      throw refuse("malformed", `${name}: a text`);
    const inPath = pathParams.filter(([key]) => key === name).map(([, value]) => value);
    const places = [sent.map(String), query.getAll(name), inPath];
    return (places.find((values) => values.length > 0) ?? []).filter((value) => value !== "");
  }

  function number(name: string, low: number, high: number, otherwise: number): number {
    const text = texts(name)[0];
    if (text === undefined) return otherwise;
    if (!/^\d{1,16}$/.test(text)) throw refuse("malformed", `${name}: a whole number`);
    return Math.min(high, Math.max(low, Number(text)));
  }
}

/** The request's nonce, given back in the answer. Throws `malformed` for what is none. */
export function nonceOf(input: Input): string | undefined {
  const nonce = input.text("n");
  if (nonce !== undefined && !NONCE.test(nonce)) throw refuse("malformed", "n: 1 to 64 of A-Z a-z 0-9 . _ ~ -");
  return nonce;
}
