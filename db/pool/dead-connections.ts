import type pg from "pg";

/** Keeps connections out of the pool whose server has stopped answering. */
export type Silence = {
  /** Knows a new connection; for the pool. */
  onConnect(connection: PooledConnection): void;
  /** A query failed; for knex. */
  onError(error: Error, query: { __knexUid: string }): void;
  /** May this connection be used? For the pool. */
  isSound(connection: PooledConnection): boolean;
};

/** A connection with the number knex gives it. */
export type PooledConnection = pg.Client & { __knexUid: string };

/**
 * pg gives up a query that is not answered, but not its connection: that waits on for the answer, perhaps inside a
 * transaction, and what the pool's next user did on it would hang, or be undone when the transaction is. So such a
 * connection is ended at once, and with it every other that was made before the silence: a network that forgot one
 * has forgotten them all, and each would cost somebody another 5 s, where a new one costs 5 ms.
 */
export function createSilence(): Silence {
  const open = new Map<string, { connection: PooledConnection; madeAt: number }>();
  let silentAt = Number.NEGATIVE_INFINITY;

  return { onConnect, onError, isSound };

  function onConnect(connection: PooledConnection): void {
    open.set(connection.__knexUid, { connection, madeAt: performance.now() });
    connection.once("end", () => open.delete(connection.__knexUid));
  }

  function onError(error: Error, { __knexUid }: { __knexUid: string }): void {
    if (!error.message.endsWith("Query read timeout")) return;
    silentAt = performance.now();
    // a connection with a query under way is broken by end(), not asked to finish
    void open.get(__knexUid)?.connection.end();
  }

  function isSound(connection: PooledConnection): boolean {
    const known = open.get(connection.__knexUid);
    return known !== undefined && known.madeAt > silentAt;
  }
}
