import { randomUUID } from "node:crypto";
import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import request from "supertest";
import { person, sayAll } from "../support/app.ts";
import { runFilter } from "../support/run-command.ts";
import { endSites, startSite } from "../support/site-process.ts";

const place = join(tmpdir(), `chattera-backup-${randomUUID()}`);
const file = join(place, "site.backup");

beforeAll(async () => {
  await mkdir(place);
  await chmod(place, 0o755);
});
afterEach(endSites);
afterAll(() => rm(place, { recursive: true, force: true }));

test("an embedded site is backed up while it serves, and restored into a new folder whose readers get a reset", async () => {
  const site = await startSite("", { DATA_DIR: join(place, "first") });
  const ann = await person(site.url, "ann");
  await sayAll(site.url, ann, { texts: ["before the backup"] });
  const { body: read } = await request(site.url).get("/api/poll?room=lobby&wait=1").expect(200);
  const made = await chattera(["backup", file], "first");
  expect([made.code, made.err]).toEqual([0, expect.stringMatching(/^Backup complete: \d+ events, [\d.]+ MB[.]\n$/)]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(String(gunzipSync(await readFile(file)))).toMatch(/^\{"chattera":"backup","format":1,/);
  await site.kill("SIGTERM");

  const restored = await chattera(["restore", file], "second");
  expect([restored.code, restored.err]).toEqual([0, expect.stringContaining("Restore complete")]);
  const other = await startSite("", { DATA_DIR: join(place, "second") });
  const { body } = await request(other.url).get("/api/rooms/lobby/messages").expect(200);
  expect(JSON.stringify(body)).toContain("before the backup");
  const poll = `/api/poll?room=lobby&wait=1&after=${encodeURIComponent(read.cursor)}`;
  const { body: after } = await request(other.url).get(poll).expect(200);
  expect(after.reset).toMatchObject({ room: "lobby", reason: "epoch" });
  // The secret is the same, so sessions continue.
  await sayAll(other.url, ann, { texts: ["after the restore"] });
  const refused = await chattera(["restore", file], "second");
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("add --replace")]);
  await other.kill("SIGTERM");
}, 180_000);

test("a backup goes through pipes, and a file that is cut off anywhere is refused", async () => {
  const { code, out } = await chattera(["backup", "-"], "first");
  expect(code).toBe(0);
  const piped = await runFilter(["restore", "-", "--replace"], environment("third"), out);
  expect([piped.code, piped.err]).toEqual([0, expect.stringContaining("Restore complete")]);
  for (const size of [out.length - 5, 200]) {
    await writeFile(file, out.subarray(0, size));
    const { code, err } = await chattera(["restore", file, "--replace"], "third");
    expect([code, err]).toEqual([1, expect.stringMatching(/ends too early|is not a backup/)]);
  }
}, 180_000);

test("a backup of nothing is refused, and leaves no file", async () => {
  const { code, err } = await chattera(["backup", join(place, "nothing.backup")], "fourth");
  expect([code, err]).toEqual([1, expect.stringContaining("there is nothing to back up")]);
  await expect(stat(join(place, "nothing.backup"))).rejects.toThrow("ENOENT");
}, 30_000);

function chattera(args: string[], folder: string) {
  return runFilter(args, environment(folder));
}

function environment(folder: string): { [name: string]: string } {
  return { DATABASE_URL: "", DATA_DIR: join(place, folder) };
}
