import { type App, openApp } from "./app.ts";
import type { AppSettings } from "./app-settings.ts";
import { readOptions, settingsIn } from "./config.ts";
import { checkOptions } from "./host/check-options.ts";
import { type Database, openDatabase, optionsOf } from "./host/open-database.ts";
import type { Authorize, HostAnswer, HostQuestion } from "./http/authorize.ts";
import type { Identify } from "./http/identify.ts";
import { createLog, type Logger } from "./log.ts";

export type {
  HostMember,
  HostMessage,
  HostRoom,
  HostUser,
  NewHostRoom,
  NoticeChoices,
  RoomSettings,
  SettingsChange,
  TestClock,
} from "./host/chat.ts";
export type { FollowedEvent, FollowOptions, LogReset } from "./host/read-events.ts";
export type { App, AppSettings, Authorize, Database, HostAnswer, HostQuestion, Identify };

/** The options of `createApp`. */
export type AppOptions = AppSettings & DatabaseOptions & OtherOptions;

/**
 * The PostgreSQL that keeps the log. When the app opens, the tables in `schema` are made, or
 * brought up to date. `databaseUrl` is the former name, for a URL only.
 */
export type DatabaseOptions =
  | { database: Database; databaseUrl?: undefined }
  | { databaseUrl: string; database?: undefined };

type OtherOptions = {
  /**
   * Returns the user of yours that a request comes from, or null. Their name and color are yours:
   * nobody can change them in the chat. Requests of others are guests, who may choose a nickname.
   */
  identify?: Identify | undefined;
  /**
   * Returns whether somebody may do something: `{ member, room, act, ctx }`. It is asked after the
   * request was parsed, so that no spelling gets around it, and after the rules of the room.
   */
  authorize?: Authorize | undefined;
  /**
   * For tests: `chat.clock.advance(ms)` moves the time of the site. Default: false.
   */
  testClock?: boolean | undefined;
  /** Receives the log lines. Default: nothing is logged. */
  logger?: Logger | undefined;
  /**
   * The settings by the names of their environment variables.
   *
   * @deprecated Use the options of the same settings. The next release removes this one.
   */
  settings?: { [name: string]: string } | undefined;
};

/**
 * Opens chattera as a Koa app: for supertest (`request(app.callback())`, without a port), for
 * `app.listen()`, or mounted in your own app by koa-mount. Close it when done. It does not read
 * `process.env`. Throws a StartError that names the options that are invalid, and the database's
 * own errors.
 */
export async function createApp(options: AppOptions): Promise<App> {
  checkOptions(options);
  const { settings, logger, database, identify, authorize, testClock, ...named } = options;
  const config = readOptions({ ...optionsOf(database), ...named }, settings);
  if (settings !== undefined) warnOfSettings(settings, logger);
  const log = logger ?? createLog("silent");
  const { address, close } = await openDatabase(database ?? config.database, log);
  try {
    const { app } = await openApp(
      { ...config, database: address },
      { logger: log, afterClose: close, identify, authorize, testClock },
    );
    return app;
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Logs one warning with the options to use instead. Without a logger, Node prints it like its own
 * deprecations.
 */
function warnOfSettings(settings: { [name: string]: string }, logger: Logger | undefined): void {
  const given = settingsIn(settings);
  const isOption = (one: (typeof given)[number]) => one.setting.scope === "app";
  const uses = given.filter(isOption).map(({ option, setting }) => `${option} instead of ${setting.env}`);
  const unused = given.filter((one) => !isOption(one)).map(({ setting }) => `${setting.env} has no effect here`);
  const advice = [...(uses.length > 0 ? [`use ${uses.join(", ")}`] : []), ...unused].join("; ");
  const warning = `createApp: "settings" is deprecated and will be removed in the next release${advice && `: ${advice}`}`;
  if (logger) logger.warn(warning);
  else process.emitWarning(warning, "DeprecationWarning");
}
