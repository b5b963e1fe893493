import type pg from "pg";

/** Keeps connections out of the pool after their server has stopped answering. */
export type ConnectionWatch = {
  /** Registers a new connection of the pool. */
  onConnect(connection: PooledConnection): void;
  /** Handles knex's `query-error` event. */
  onQueryError(error: Error, query: { __knexUid: string }): void;
  /** Returns whether the pool may hand out this connection. */
  isUsable(connection: PooledConnection): boolean;
};

/** A connection with the number that knex assigns to it. */
export type PooledConnection = pg.Client & { __knexUid: string; processID: number };

/**
 * Watches the connections of a pool for queries that time out.
 *
 * pg gives up such a query but keeps its connection, which goes on waiting for the answer, perhaps
 * inside a transaction. The next user of the connection would hang, or its writes would be rolled
 * back with that transaction. So the connection is ended at once, together with every other one
 * that was opened before the timeout: a network that dropped one has dropped them all, and each
 * would cost a request another 5 s, while a new connection costs 5 ms.
 */
export function watchConnections(): ConnectionWatch {
  const open = new Map<string, { connection: PooledConnection; openedAt: number }>();
  let timedOutAt = Number.NEGATIVE_INFINITY;

  return { onConnect, onQueryError, isUsable };

  function onConnect(connection: PooledConnection): void {
    open.set(connection.__knexUid, { connection, openedAt: performance.now() });
    connection.once("end", () => open.delete(connection.__knexUid));
  }

  function onQueryError(error: Error, { __knexUid }: { __knexUid: string }): void {
    if (!error.message.endsWith("Query read timeout")) return;
    timedOutAt = performance.now();
    // While a query is running, end() breaks the connection at once.
    void open.get(__knexUid)?.connection.end();
  }

  function isUsable(connection: PooledConnection): boolean {
    const known = open.get(connection.__knexUid);
    return known !== undefined && known.openedAt > timedOutAt;
  }
}
