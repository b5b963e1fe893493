import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { StartError } from "../start-error.ts";
import { type ClusterOptions, openCluster } from "./cluster.ts";
import { finishUpgrade, keptFolder, nextFolder, noteComplete } from "./finish-upgrade.ts";
import { installFormer } from "./former-programs.ts";
import { lockFolder } from "./lock.ts";
import { findPrograms, packagedPrograms } from "./programs.ts";
import { defaultDataDir, type EmbeddedOptions, runCluster } from "./start.ts";
import { databaseUser, makeFolder } from "./user.ts";

/** Options of an upgrade. */
export type UpgradeOptions = Pick<EmbeddedOptions, "dataDir" | "report" | "programs" | "systemUser"> & {
  /**
   * The folder of the older version's programs, which has `bin/postgres`. By default npm installs
   * them.
   */
  formerPrograms?: string;
  /** Copies everything from one database to the other. */
  copy(from: string, to: string): Promise<void>;
};

/**
 * The versions before and after an upgrade, and the folder that holds the data of the former one.
 */
export type Upgrade = { from: string; to: string; kept: string } | undefined;

/**
 * Moves the data of the embedded database to PostgreSQL's major version of this chattera: starts
 * both versions side by side, copies, and exchanges their folders. Until then the former data is
 * unchanged, and it is kept afterwards. Returns `undefined` if there is nothing to do. Throws a
 * StartError if the older version cannot be started.
 */
export async function upgradeEmbedded(options: UpgradeOptions): Promise<Upgrade> {
  const folder = resolve(options.dataDir ?? defaultDataDir());
  const user = databaseUser(options.systemUser);
  const report = options.report ?? (() => undefined);
  if (!(await stat(folder).catch(() => undefined))) throw noDatabase(folder);
  const unlock = await lockFolder(folder);
  try {
    await finishUpgrade(folder);
    const from = await versionIn(folder);
    const programs = await findPrograms(options.programs ?? packagedPrograms(), folder, user);
    if (from === programs.major) return undefined;
    if (Number(from) > Number(programs.major))
      throw new StartError(
        `The data in ${folder} is from PostgreSQL ${from}, which is newer than the ${programs.major} of this chattera: ` +
          "install the chattera that wrote it.",
      );
    report(`Upgrading the data in ${folder} from PostgreSQL ${from} to ${programs.major}. It needs twice the space.`);
    await moveData({ folder, programs, user, report }, from, options);
    await noteComplete(folder, from);
    await finishUpgrade(folder);
    return { from, to: programs.major, kept: keptFolder(folder, from) };
  } finally {
    await unlock();
  }
}

/** Copies the data of the version `from` into a new folder for the version of `next.programs`. */
async function moveData(next: ClusterOptions, from: string, { formerPrograms, copy }: UpgradeOptions): Promise<void> {
  const { folder, user, report } = next;
  const unfinished = nextFolder(folder);
  await rm(unfinished, { recursive: true, force: true });
  await makeFolder(unfinished, user);
  const native = formerPrograms ?? (await installFormer(from, join(folder, `former-${from}`)));
  const programs = await findPrograms(native, unfinished, user);
  if (programs.major !== from)
    throw new StartError(
      `${native} has PostgreSQL ${programs.major}, but the data is from ${from}: name that version.`,
    );
  // The role's password is derived from it, so it stays.
  await writeFile(join(unfinished, "password"), await readFile(join(folder, "password")), { mode: 0o600 });
  const source = await runCluster(await openCluster({ ...next, programs }), { report });
  try {
    const target = await runCluster(await openCluster({ ...next, folder: unfinished }), { report });
    await copy(source.url, target.url).finally(() => target.stop());
  } finally {
    await source.stop();
  }
}

async function versionIn(folder: string): Promise<string> {
  const version = await readFile(join(folder, "postgresql", "PG_VERSION"), "utf8").catch(() => undefined);
  if (version === undefined) throw noDatabase(folder);
  return version.trim();
}

function noDatabase(folder: string): StartError {
  return new StartError(`${folder} holds no embedded database: set DATA_DIR to the folder that has one.`);
}
