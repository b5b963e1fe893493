import type pg from "pg";

type Callback = (error: Error | null | undefined, result?: unknown) => void;
type Query = (config: unknown, callback: Callback) => unknown;

/**
 * Has every transaction on a connection search in `schema`, and puts each statement that is in none
 * into one of its own.
 *
 * A pooler in transaction mode lends its connections to one program after the other. A search path
 * that outlived its transaction would reach other programs, which would then find our tables in
 * place of their own. It costs a statement two more round trips to the pooler.
 */
export function setPathPerTransaction(connection: pg.Client, schema: string): void {
  const query = connection.query.bind(connection) as unknown as Query;
  const setPath = `set local search_path = "${schema}"`;
  let isInTransaction = false;
  const wrapped: Query = (config, callback) => {
    // A call without a callback is ours, and reads settings only.
    if (typeof callback !== "function") return query(config, callback);
    const text = textOf(config);
    if (BEGIN.test(text)) return begin(config, callback);
    const wasInTransaction = isInTransaction;
    if (END.test(text)) isInTransaction = false;
    return wasInTransaction ? query(config, callback) : runAlone(config, callback);
  };
  Object.assign(connection, { query: wrapped });

  function begin(config: unknown, callback: Callback): void {
    isInTransaction = true;
    query(config, (error, result) => {
      if (error) callback(error);
      else query(setPath, (failed) => callback(failed, result));
    });
  }

  function runAlone(config: unknown, callback: Callback): void {
    query(`begin; ${setPath}`, (error) => {
      if (error) callback(error);
      else query(config, (failed, result) => (failed ? giveUp(failed, callback) : commit(result, callback)));
    });
  }

  /** A message is acknowledged only after its commit. */
  function commit(result: unknown, callback: Callback): void {
    query("commit", (error) => callback(error, result));
  }

  /** The connection runs its queries in order, so the next one begins after the rollback. */
  function giveUp(error: Error, callback: Callback): void {
    query("rollback", () => undefined);
    callback(error);
  }
}

const BEGIN = /^\s*begin\b/i;
const END = /^\s*(commit|rollback(?!\s+to))\b/i;

function textOf(config: unknown): string {
  return typeof config === "string" ? config : ((config as { text?: string }).text ?? "");
}
