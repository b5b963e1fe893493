import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "@jest/globals";
import { DOCTOR_SHORT_NAMES, SHORT_NAMES } from "../../client/short-names.ts";

const ROOT = new URL("../../", import.meta.url);

/**
 * They are properties of WebRTC, media keys, geolocation, tables and others that the client does
 * not use.
 */
const UNUSED_OF_THE_DOM = [
  "access",
  "candidate",
  "channel",
  "element",
  "fields",
  "nonce",
  "position",
  "rows",
  "sender",
  "session",
];

function read(file: string): string {
  return readFileSync(new URL(file, ROOT), "utf8");
}

function wordsIn(text: string): Set<string> {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*|^import .*/gm, "");
  return new Set(code.match(/[A-Za-z_$][\w$]*/g));
}

function clientSources(folder = "client"): string[] {
  return readdirSync(new URL(folder, ROOT), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.ts$/.test(entry.name))
    .filter((entry) => folder === "client/doctor" || !/doctor/.test(entry.parentPath))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
}

/** The properties that the libraries of TypeScript declare for browsers. */
function domNames(): Set<string> {
  const compiler = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
  const native = createRequire(join(compiler, "package.json"));
  const platform = `@typescript/typescript-${process.platform}-${process.arch}/package.json`;
  const lib = join(dirname(native.resolve(platform)), "lib");
  const text = readdirSync(lib)
    .filter((file) => /^lib\.(dom|es)[\w.]*\.d\.ts$/.test(file))
    .map((file) => readFileSync(join(lib, file), "utf8"))
    .join("\n");
  return new Set([...text.matchAll(/([A-Za-z_$][\w$]*)\??\s*[:(<]/g)].map((match) => match[1] as string));
}

test("no property with a short name is sent, stored, shared between tabs, or filled into a text", () => {
  const outside = [
    "protocol/event.ts",
    "protocol/limits.ts",
    "protocol/line.ts",
    "client/words.ts",
    "client/core/network/known.ts",
    "client/tabs/message.ts",
    "client/legacy/es3-dom.d.ts",
    "client/core/base/es3.d.ts",
  ];
  const fields = [...read("server/pages/words/en.ts").matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
  const taken = wordsIn([...outside.map(read), ...fields].join("\n"));
  const stored = wordsIn(
    "id text state code nickname color token member rooms remarks network transport slow failures",
  );
  expect(SHORT_NAMES.filter((name) => taken.has(name) || stored.has(name))).toEqual([]);
});

test("no property with a short name is one of the browser's", () => {
  const names = domNames();
  expect(names.has("addEventListener")).toBe(true);
  expect(SHORT_NAMES.filter((name) => names.has(name))).toEqual(UNUSED_OF_THE_DOM);
});

test("no property with a short name is also named by a text", () => {
  const sources = clientSources().join("\n");
  const named = new Set([...sources.matchAll(/"([A-Za-z_]\w*)"|dataset\.(\w+)/g)].map((match) => match[1] ?? match[2]));
  expect(named.has("memberId")).toBe(true);
  expect(SHORT_NAMES.filter((name) => named.has(name))).toEqual([]);
});

test("no property with a short name in the doctor is reported, echoed, the browser's, or named by a text", () => {
  const reported = [
    "protocol/doctor.ts",
    "client/doctor/findings.ts",
    "client/doctor/diagnose.ts",
    "client/doctor/report.ts",
  ];
  const sources = clientSources("client/doctor")
    .join("\n")
    .replace(/Pick<[^>]*>/g, "");
  const named = [...sources.matchAll(/"([A-Za-z_]\w*)"/g)].map((match) => match[1]);
  const taken = new Set([...wordsIn(reported.map(read).join("\n")), ...domNames(), ...named]);
  expect(taken.has("roundTripMs")).toBe(true);
  expect(DOCTOR_SHORT_NAMES.filter((name) => taken.has(name))).toEqual([]);
});
