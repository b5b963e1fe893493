import { Readable } from "node:stream";
import { inPieces } from "./hold.ts";
import type { Misbehaviour, ProxyAnswer, ProxyRequest } from "./proxy.ts";

type Kept = Pick<ProxyAnswer, "status" | "headers"> & { pieces: Buffer[]; untilMs: number };

/** Caches complete answers to GET, even with `no-store`, under the key that `keyOf` returns. */
export function cache(keepMs: number, keyOf: (asked: ProxyRequest) => string): Misbehaviour {
  const kept = new Map<string, Kept>();
  return async (asked, pass) => {
    if (asked.method !== "GET") return pass(asked);
    const found = kept.get(keyOf(asked));
    if (found && found.untilMs > Date.now()) return { ...found, body: Readable.from(found.pieces) };
    const answer = await pass(asked);
    const { status, headers } = answer;
    const pieces: Buffer[] = [];
    const keep = inPieces(async function* (body) {
      for await (const piece of body) {
        pieces.push(piece);
        yield piece;
      }
      if (status === 200) kept.set(keyOf(asked), { status, headers, pieces, untilMs: Date.now() + keepMs });
    });
    return keep(asked, async () => answer);
  };
}
