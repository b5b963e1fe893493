import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

/** A project of its own, in which the packed tarball is installed as npm does it. */
export type PackedProject = {
  folder: string;
  /** The sizes of the tarball, of the unpacked package and of everything that was installed. */
  bytes: { tarball: number; chattera: number; installed: number };
  /** The paths of the package's files. */
  files: string[];
  /** Runs a program of Node in the folder, or in one below it, and returns what it prints. */
  run(args: string[], settings?: { [name: string]: string }, below?: string): Promise<string>;
  remove(): void;
};

/** The root of this repository. */
export const ROOT = resolve(import.meta.dirname, "../..");

const exec = promisify(execFile);

/**
 * Packs the project and installs the tarball in a fresh folder, with more packages of a host.
 * Without `hasOptional`, the PostgreSQL that chattera can start is left out: most projects have a
 * database.
 */
export async function installPacked(packages: string[], { hasOptional = false } = {}): Promise<PackedProject> {
  const folder = mkdtempSync(join(tmpdir(), "chattera-packed-"));
  const { NODE_OPTIONS: _jest, ...environment } = process.env;
  const npm = (args: string[], cwd: string) => exec("npm", args, { cwd, env: environment, maxBuffer: 1e8 });
  // The build has just run, so npm need not check it again.
  const packed = await npm(["pack", "--json", "--ignore-scripts", "--pack-destination", folder], ROOT);
  const [{ filename, size, unpackedSize, files }] = JSON.parse(packed.stdout) as [
    { filename: string; size: number; unpackedSize: number; files: { path: string }[] },
  ];
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  mkdirSync(join(folder, "node_modules"));
  const quietly = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  const optional = hasOptional ? [] : ["--omit=optional"];
  await npm(["install", ...optional, ...quietly, `./${filename}`, ...packages], folder);
  return {
    folder,
    bytes: { tarball: size, chattera: unpackedSize, installed: bytesIn(join(folder, "node_modules")) },
    files: files.map(({ path }) => path),
    run: async (args, settings = {}, below = "") => {
      const env = { PATH: process.env.PATH, ...settings };
      return (await exec(process.execPath, args, { cwd: join(folder, below), env, timeout: 60_000 })).stdout;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sum + bytesIn(path);
    return sum + (entry.isFile() ? statSync(path).size : 0);
  }, 0);
}
