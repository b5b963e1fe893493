import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { ChaosFault } from "./fault.ts";
import { LACKS, olderCommit } from "./machine.ts";
import type { Random } from "./random.ts";
import { asSuperuser, endNode, type Rig, ROOT, startNode } from "./rig.ts";

/** Both versions serve for this long at least. */
const TOGETHER_MS = 5_000;

/**
 * An upgrade from the build before the newest migration. The site begins with that build, so this
 * fault is the first of its run.
 */
export const UPGRADE_FAULTS: ChaosFault[] = [
  {
    name: "F24 nodes of an older build are replaced, one by one",
    goal: "the new node migrates while the old one runs, and both serve",
    recoverMs: 5_000,
    isSlow: true,
    isFirst: true,
    lacks: LACKS.history,
    strike: upgrade,
  },
];

async function upgrade(rig: Rig, random: Random, forMs: number): Promise<void> {
  const [first, second] = random.next() < 0.5 ? rig.nodes : rig.nodes.toReversed();
  const before = await migrations(rig);
  await sleep(forMs);
  rig.program = ROOT;
  for (const node of [first, second]) {
    if (node === undefined) continue;
    await endNode(node, "SIGTERM");
    await startNode(rig, node);
    await sleep(Math.max(TOGETHER_MS, forMs));
  }
  if ((await migrations(rig)) <= before) rig.missed.push("nothing was migrated");
}

async function migrations(rig: Rig): Promise<number> {
  const [row] = await asSuperuser(rig, "select count(*)::int as count from chattera_migrations");
  return Number(row?.count);
}

/**
 * Returns the folder of the build before the newest migration. It is made once, with the packages
 * of this one, and not below node_modules, where the compiler would leave out files.
 */
export async function buildOlder(): Promise<string> {
  const commit = olderCommit() as string;
  const folder = join(tmpdir(), `chattera-older-${process.getuid?.() ?? "all"}-${commit.slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const archive = execFileSync("git", ["archive", commit], { cwd: ROOT, maxBuffer: 512 * 1024 * 1024 });
  execFileSync("tar", ["-x", "-C", unfinished], { input: archive });
  await symlink(join(ROOT, "node_modules"), join(unfinished, "node_modules"));
  await promisify(execFile)(join(ROOT, "node_modules/.bin/tsx"), ["build/build.ts"], { cwd: unfinished });
  await rename(unfinished, folder);
  return folder;
}
