import { refuse } from "../refusal.ts";

/**
 * Refuses percent-escapes that are not UTF-8, which URLSearchParams would silently turn into
 * U+FFFD: an old page's Shift_JIS would be acknowledged as something nobody wrote. A `%` that
 * escapes nothing is a `%`. Throws `malformed`.
 */
export function assertUtf8(encoded: string): void {
  for (const [run] of encoded.matchAll(/(?:%[0-9a-f]{2})+/gi)) {
    try {
      decodeURIComponent(run);
    } catch {
      throw refuse("malformed", "an escape is not UTF-8");
    }
  }
}
