import { LRUCache } from "lru-cache";

/** An answer, and for how many seconds it holds. */
export type HeldAnswer<Value> = { value: Value; seconds: number };

/** Returns the answer to a question: one that still holds, or else that of `ask`. */
export type AskOnce<Value> = (key: string, ask: () => Promise<HeldAnswer<Value>>) => Promise<Value>;

/** Answers that are kept, about 200 bytes each. */
const KEPT = 20_000;

type Kept<Value> = { value: Value; freshUntil: number; usableUntil: number };

/**
 * Keeps answers by their key for as long as they hold. Equal questions that are asked at the same
 * time are one. If a question fails, the last answer counts for `graceMs` longer. After that, and
 * where nothing is known, the error is thrown.
 */
export function keepAnswers<Value>(graceMs: number): AskOnce<Value> {
  const kept = new LRUCache<string, Kept<Value>>({ max: KEPT });
  const asking = new Map<string, Promise<Kept<Value>>>();
  return async (key, ask) => {
    const known = kept.get(key);
    if (known !== undefined && performance.now() < known.freshUntil) return known.value;
    const asked = asking.get(key) ?? begin(key, ask);
    try {
      return (await asked).value;
    } catch (error) {
      if (known === undefined || performance.now() >= known.usableUntil) throw error;
      return known.value;
    }
  };

  function begin(key: string, ask: () => Promise<HeldAnswer<Value>>): Promise<Kept<Value>> {
    const asked = ask()
      .then(({ value, seconds }) => {
        const freshUntil = performance.now() + seconds * 1000;
        const answer = { value, freshUntil, usableUntil: freshUntil + graceMs };
        kept.set(key, answer);
        return answer;
      })
      .finally(() => asking.delete(key));
    asking.set(key, asked);
    return asked;
  }
}
