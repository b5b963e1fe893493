import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { createApp } from "../../server/index.ts";

const ANN = { id: "user-1", nickname: "Ann" };

async function temporaryFolders(): Promise<string[]> {
  const found = await readdir(tmpdir());
  return found.filter((name) => /^chattera-[A-Za-z0-9]{6}$/.test(name) && existsSync(join(tmpdir(), name, "data")));
}

test("a throw-away database is there with one option, and gone after the app is closed", async () => {
  const before = await temporaryFolders();
  const chat = await createApp({ database: { embedded: true } });
  const [folder] = (await temporaryFolders()).filter((name) => !before.includes(name));
  expect(folder).toBeDefined();
  expect(await chat.post("lobby", ANN, "hello")).toMatchObject({ seq: 1, text: "hello" });
  await chat.close();
  expect(await temporaryFolders()).not.toContain(folder);
}, 60_000);

test("an embedded database in a folder of the host keeps its log", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chattera-host-"));
  await rm(folder, { recursive: true });
  const first = await createApp({ database: { embedded: folder } });
  await first.post("lobby", ANN, "hello");
  await first.close();
  const second = await createApp({ database: { embedded: folder } });
  for await (const { text } of second.events("lobby", { after: 0 })) {
    expect(text).toBe("hello");
    break;
  }
  await second.close();
  await rm(folder, { recursive: true });
}, 60_000);

test.each([
  ["nonsense", /^database: must begin with postgres:/],
  ["postgres://127.0.0.1:1/none", /^The database at 127\.0\.0\.1:1\/none cannot be used/],
  [{ host: "127.0.0.1", port: 1, database: "none" }, /^The database at 127\.0\.0\.1:1\/none cannot be used/],
])("a database that cannot be reached, %j, is explained in one sentence", async (database, sentence) => {
  await expect(createApp({ database })).rejects.toThrow(sentence);
});
