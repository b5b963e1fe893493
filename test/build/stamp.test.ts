import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { fingerprintSources, isBuilt, removeStamp, writeStamp } from "../../build/stamp.ts";

let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "chattera-build-"));
  write("server/app.ts", "1");
  write("package-lock.json", "{}");
  write("dist/server/app.js", "1");
  writeStamp(root, fingerprintSources(root));
});

afterEach(() => rmSync(root, { recursive: true }));

test("an unchanged tree is built", () => {
  expect(needsBuild()).toBe(false);
});

test("a checkout that only changes the times of files needs no build", () => {
  utimesSync(join(root, "server/app.ts"), new Date(), new Date());
  utimesSync(join(root, "dist/server/app.js"), 0, 0);
  expect(needsBuild()).toBe(false);
});

test("a checkout of an older file needs a build", () => {
  write("server/app.ts", "0");
  utimesSync(join(root, "server/app.ts"), 0, 0);
  expect(needsBuild()).toBe(true);
});

test.each(["server/new.ts", "client/new.css", "db/sql/new.sql", "tsconfig.json"])("a new %s needs a build", (path) => {
  write(path, "");
  expect(needsBuild()).toBe(true);
});

test("a removed source needs a build", () => {
  rmSync(join(root, "server/app.ts"));
  expect(needsBuild()).toBe(true);
});

test("other packages need a build", () => {
  write("package-lock.json", '{"lockfileVersion":3}');
  expect(needsBuild()).toBe(true);
});

test("a file of dist that was removed, changed or added needs a build", () => {
  write("dist/server/app.js", "2");
  expect(needsBuild()).toBe(true);
  rmSync(join(root, "dist/server/app.js"));
  expect(needsBuild()).toBe(true);
  write("dist/server/app.js", "1");
  expect(needsBuild()).toBe(false);
  write("dist/server/old.js", "1");
  expect(needsBuild()).toBe(true);
});

test("a removed dist needs a build", () => {
  rmSync(join(root, "dist"), { recursive: true });
  expect(needsBuild()).toBe(true);
});

test("a build that broke off needs another one", () => {
  removeStamp(root);
  expect(needsBuild()).toBe(true);
});

test("a source that changed during the build needs another one", () => {
  const sources = fingerprintSources(root);
  write("server/app.ts", "2");
  writeStamp(root, sources);
  expect(needsBuild()).toBe(true);
});

function needsBuild(): boolean {
  return !isBuilt(root, fingerprintSources(root));
}

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}
