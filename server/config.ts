import { z } from "zod";
import type { DatabaseAddress } from "../db/address.ts";
import { StartError } from "../db/start-error.ts";
import { POLL_WAIT_MAX_SECONDS, SEEN_MS } from "../protocol/limits.ts";
import type { AppSettings } from "./app-settings.ts";
import { SPELLINGS, type Spelling } from "./read-setting.ts";
import { isTimeZone, type OptionName, SETTINGS, type Setting } from "./settings.ts";

const NAMES = Object.keys(SETTINGS) as OptionName[];

const OPTIONS = z.strictObject(
  Object.fromEntries(NAMES.map((name) => [name, SETTINGS[name].schema])) as {
    [name in OptionName]: (typeof SETTINGS)[name]["schema"];
  },
);

/** All settings of a node, by the names of their options, checked and with their defaults. */
export type Config = Readonly<z.output<typeof OPTIONS>> & {
  /** A connection counts as a sign of life for this long after its client last sent something. */
  readonly seenMs: number;
  /** The site's time zone. */
  readonly timeZone: string;
  /** The database: the one at `databaseUrl`, unless `createApp` got another. */
  readonly database: DatabaseAddress | undefined;
};

/** The settings of a node whose database is known. */
export type NodeConfig = Config & { readonly database: DatabaseAddress };

/** The database among the options of `createApp`. */
export type DatabaseOption = { database?: DatabaseAddress | undefined; databaseUrl?: string | undefined };

/**
 * The longest poll and the pause before the next one. The grace must not end within this, however
 * short it is.
 */
const POLL_APART_MS = (POLL_WAIT_MAX_SECONDS + 10) * 1000;

/**
 * Reads the settings from environment variables. An empty variable, or one of spaces, counts as
 * unset: compose files and systemd units write them like that. Throws a StartError that names every
 * invalid variable.
 */
export function readEnvironment(env: { [name: string]: string | undefined }): Config {
  return check(optionsIn(env), { isVariable: () => true, unknown: [] });
}

/**
 * Reads the options of `createApp`. An option overrides the variable of the same setting in `env`,
 * the former spelling. Throws a StartError that names every invalid option, as it was spelled.
 */
export function readOptions(
  { database, ...options }: AppSettings & DatabaseOption,
  env: { [name: string]: string | undefined } = {},
): NodeConfig {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  for (const [name, value] of Object.entries(env))
    if (typeof value !== "string" && value !== undefined)
      throw new StartError(`${name}: in "settings" it must be a string`);
  const former = optionsIn(env);
  const isVariable = (name: string) => name in former && !(name in given);
  const config = check({ ...former, ...given }, { isVariable, unknown: Object.keys(given).filter(isOfProcess) });
  const address = database ?? config.database;
  if (address === undefined) throw new StartError("database: createApp requires a PostgreSQL, like postgres://…");
  if (typeof address === "string" && !/^postgres(ql)?:\/\//.test(address))
    throw new StartError("database: must begin with postgres://");
  return { ...config, database: address };
}

/** Returns the environment variables of a child process that differ from those of its parent. */
export function environmentOf(options: { [name in OptionName]?: string }): { [name: string]: string } {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [SETTINGS[name as OptionName].env, value]));
}

/** Returns the settings whose environment variables are set in `env`, for a message about them. */
export function settingsIn(env: { [name: string]: string | undefined }): { option: OptionName; setting: Setting }[] {
  return NAMES.map((option) => ({ option, setting: SETTINGS[option] })).filter(({ setting }) =>
    env[setting.env]?.trim(),
  );
}

/**
 * A setting for the docs: its option's type, and its default, also as it is written in the
 * environment.
 */
export type SettingDescription = Setting & { option: OptionName; type: string; default: string; envDefault: string };

/** Returns the descriptions of all settings, in the order of the docs. */
export function describeSettings(): SettingDescription[] {
  const defaults: { [name: string]: unknown } = OPTIONS.parse({});
  return NAMES.map((option) => {
    const setting: Setting = SETTINGS[option];
    const { type, write = String }: Spelling = SPELLINGS[setting.spelling];
    const value = defaults[option] ?? "";
    return { ...setting, option, type, default: String(value), envDefault: write(value) };
  });
}

/**
 * Returns the options that the variables in `env` stand for. Variables that are no settings are
 * ignored.
 */
function optionsIn(env: { [name: string]: string | undefined }): { [option: string]: unknown } {
  return Object.fromEntries(
    settingsIn(env).map(({ option, setting }) => [
      option,
      SPELLINGS[setting.spelling].read((env[setting.env] as string).trim()),
    ]),
  );
}

/** How options are checked. */
type Check = {
  /** Was this option set by its environment variable? */
  isVariable(option: string): boolean;
  /** Options that are settings, but not for the caller. */
  unknown: string[];
};

function check(given: { [option: string]: unknown }, { isVariable, unknown }: Check): Config {
  const read = OPTIONS.safeParse(given);
  const issues = read.error?.issues.map((issue) => problemOf(issue, isVariable)) ?? [];
  if (unknown.length > 0) issues.unshift(unknownOptions(unknown));
  if (!read.success || issues.length > 0) throw new StartError(issues.join("; "));
  const seenMs = Math.max(SEEN_MS, POLL_APART_MS - read.data.graceSeconds * 1000);
  const timeZone = read.data.timeZone ?? systemTimeZone();
  return { ...read.data, seenMs, timeZone, database: read.data.databaseUrl };
}

/** With an empty TZ, Node reports Etc/Unknown, with which it can format no date. */
function systemTimeZone(): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  return isTimeZone(timeZone) ? timeZone : "UTC";
}

/** Returns whether an option is for the command only, which `createApp` would ignore. */
function isOfProcess(option: string): boolean {
  return NAMES.some((name) => name === option && SETTINGS[name].scope === "process");
}

function unknownOptions(options: string[]): string {
  return `${options.join(", ")}: createApp has no such option`;
}

/** Returns the sentence about one invalid setting, under the name by which it was set. */
function problemOf(issue: z.core.$ZodIssue, isVariable: (option: string) => boolean): string {
  if (issue.code === "unrecognized_keys") return unknownOptions(issue.keys);
  const option = issue.path[0] as OptionName;
  const { env, spelling }: Setting = SETTINGS[option];
  if (!isVariable(option)) return `${option}: ${issue.message}`;
  return `${env}: ${(SPELLINGS[spelling] as Spelling).problem ?? issue.message}`;
}
