/**
 * The settings that change what a statement means, how its result is written, or whether an
 * acknowledged message survives a crash. A role or a database may carry other values, which an
 * administrator, a hosting company or an old dump has set by `alter role … set`.
 */
const MEANING: { [name: string]: string } = {
  array_nulls: "on",
  bytea_output: "hex",
  datestyle: "ISO, MDY",
  default_transaction_deferrable: "off",
  default_transaction_isolation: "read committed",
  extra_float_digits: "1",
  intervalstyle: "postgres",
  standard_conforming_strings: "on",
  synchronous_commit: "on",
  timezone: "UTC",
  transform_null_equals: "off",
};

/**
 * The time limits of the server. This side limits each of its statements itself. A migration may
 * take 30 minutes, and a listener is idle for most of its life.
 */
const LIMITS: { [name: string]: string } = {
  idle_session_timeout: "0",
  lock_timeout: "0",
  statement_timeout: "0",
  transaction_timeout: "0",
};

/** The schema that a session searches, and the process id that its client was given. */
export type SearchPath = { schema: string; processId: number };

/**
 * Returns a statement that pins the settings of a session. `idleInTransactionMs` ends transactions
 * that are idle for so long. Settings that the server does not know are skipped. A stricter value
 * of synchronous_commit, for example remote_apply, is kept.
 *
 * With `path`, the session searches in that schema only, unless its own search path begins with it.
 * Behind a pooler, other programs use the same session, and theirs must not change. There the
 * statement returns `needsPath`: the path has to be set for each transaction.
 */
export function pinSettings(idleInTransactionMs: number, path?: SearchPath): string {
  const wanted = { ...MEANING, ...LIMITS, idle_in_transaction_session_timeout: String(idleInTransactionMs) };
  if (path === undefined) return pin(wanted, "");
  const isShared = `pg_backend_pid() <> ${path.processId}`;
  const hasPath = `~ '^ *"?${path.schema}"? *(,|$)'`;
  const ofRole = "(select reset_val from pg_settings where name = 'search_path')";
  return pin(
    { ...wanted, search_path: `"${path.schema}"` },
    `when 'search_path' then not (${isShared} or current_setting(name) ${hasPath}) `,
    `case when ${isShared} then not ${ofRole} ${hasPath} else false end as "needsPath", `,
  );
}

/** Counts the settings, so that the answer is one row. */
function pin(wanted: { [name: string]: string }, exception: string, answer = ""): string {
  return (
    `select ${answer}count(set_config(name, value, false)) from (values ${rowsOf(wanted)}) wanted (name, value) ` +
    `where case name when 'synchronous_commit' then current_setting(name) = 'off' ${exception}` +
    "else current_setting(name, true) <> value end"
  );
}

/**
 * Selects `name` and `value` of the settings that a new session gets from its role, database or
 * server, and that pinSettings() would change in their meaning. `set_config` does not change them.
 */
export const FOREIGN_SETTINGS = `
  select name, wanted.value from (values ${rowsOf(MEANING)}) wanted (name, value) join pg_settings using (name)
  where case name when 'synchronous_commit' then reset_val = 'off'
    when 'datestyle' then reset_val not like 'ISO%'
    when 'timezone' then false
    when 'extra_float_digits' then reset_val::int < 0
    else reset_val <> wanted.value end
  order by name`;

function rowsOf(settings: { [name: string]: string }): string {
  return Object.entries(settings)
    .map(([name, value]) => `('${name}', '${value}')`)
    .join(", ");
}
