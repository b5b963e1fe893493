import { StartError } from "../../db/start-error.ts";

/**
 * Throws a StartError for options of `createApp` that TypeScript would not compile, and that the
 * settings do not check. In JavaScript they would end in an error of an inner part, or of the first
 * request.
 */
export function checkOptions(options: unknown): void {
  if (typeof options !== "object" || options === null)
    throw new StartError('createApp requires options, like { database: "postgres://…" }');
  const { database, identify, authorize, logger } = options as { [name: string]: unknown };
  if (database !== undefined && !isDatabase(database))
    throw new StartError(
      "database: must be a URL, the settings of a pool, { embedded: folder }, or { embedded: true } for a test",
    );
  for (const [name, given] of Object.entries({ identify, authorize }))
    if (given !== undefined && typeof given !== "function") throw new StartError(`${name}: must be a function`);
  if (logger !== undefined && typeof (logger as { isLevelEnabled?: unknown } | null)?.isLevelEnabled !== "function")
    throw new StartError("logger: must be a logger of pino's");
}

function isDatabase(database: unknown): boolean {
  if (typeof database === "string") return true;
  if (typeof database !== "object" || database === null || Array.isArray(database)) return false;
  const { embedded = true } = database as { embedded?: unknown };
  return embedded === true || (typeof embedded === "string" && embedded !== "");
}
