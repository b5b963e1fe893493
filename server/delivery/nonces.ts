import type { Reader } from "./reader.ts";

/** The open streams of this node by the nonce of their request. Polls are not confirmed. */
export type Nonces = {
  add(reader: Reader): void;
  remove(reader: Reader): void;
  /**
   * Notes that a client confirmed the stream with this nonce; `false` if it is not on this node.
   */
  confirm(nonce: string): boolean;
};

/**
 * Two copies of a request that a proxy repeated share a nonce; many readers share one only by
 * malice.
 */
const SAME_NONCE = 8;

/** A reader without a nonce cannot be confirmed and is not kept here. */
export function createNonces(): Nonces {
  const byNonce = new Map<string, Reader[]>();
  return { add, remove, confirm };

  function add(reader: Reader): void {
    const { nonce } = reader;
    if (nonce === undefined || reader.transport.name === "poll") return;
    const known = byNonce.get(nonce);
    if (known === undefined) byNonce.set(nonce, [reader]);
    else if (known.length < SAME_NONCE) known.push(reader);
  }

  function remove(reader: Reader): void {
    const { nonce } = reader;
    const known = nonce === undefined ? undefined : byNonce.get(nonce);
    if (nonce === undefined || known === undefined) return;
    const left = known.filter((other) => other !== reader);
    if (left.length > 0) byNonce.set(nonce, left);
    else byNonce.delete(nonce);
  }

  function confirm(nonce: string): boolean {
    const readers = byNonce.get(nonce);
    for (const reader of readers ?? []) reader.confirm();
    return readers !== undefined;
  }
}
