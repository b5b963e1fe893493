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

/**
 * Returns a statement that pins the settings of a session. `idleInTransactionMs` ends transactions
 * that are idle for so long. Settings that the server does not know are skipped. A stricter value
 * of synchronous_commit, for example remote_apply, is kept.
 */
export function pinSettings(idleInTransactionMs: number): string {
  const wanted = { ...MEANING, ...LIMITS, idle_in_transaction_session_timeout: String(idleInTransactionMs) };
  return (
    `select set_config(name, value, false) from (values ${rowsOf(wanted)}) wanted (name, value) ` +
    "where case name when 'synchronous_commit' then current_setting(name) = 'off' " +
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
