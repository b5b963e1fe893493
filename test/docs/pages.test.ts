import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { projectFiles } from "../../lint/files.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PAGES = [
  "README.md",
  "README.ja.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "bench/README.md",
  "deploy/README.md",
  "examples/README.md",
  "examples/bot/README.md",
  "examples/own-koa-app/README.md",
  "examples/own-page/README.md",
  "examples/python/README.md",
  "examples/react/README.md",
  "examples/two-nodes/README.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md") && !file.includes("node_modules"))
    .map((file) => join("docs", file)),
].sort();
const DECISIONS = PAGES.filter((page) => page.startsWith("docs/decisions/"));

/** A path of the repository in code marks, such as `server/app.ts`. Patterns are none. */
const PATH = /`((?:server|client|db|protocol|test|bench|deploy|lint|examples|docs)\/[\w./@-]+)`/g;
/** The name of a source file without its folder, as in `machine.ts` or `feed.ts giveWay`. */
const NAME = /`([a-z][\w-]*\.ts)\b[^`/]*`/g;
const FILES = projectFiles(["."]);
const LINK = /\]\(([^)\s]+)\)/g;

/** Returns a page's text without its code blocks, in which links mean nothing. */
function textOf(page: string): string {
  return readFileSync(join(ROOT, page), "utf8").replace(/^```[\s\S]*?^```/gm, "");
}

/** Returns the anchors of a page's headings as GitHub makes them. */
function anchorsOf(page: string): string[] {
  return [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe.each(PAGES)("%s", (page) => {
  test("links to files and headings that exist", () => {
    const links = [...textOf(page).matchAll(LINK)]
      .map(([, link = ""]) => link)
      .filter((link) => !/^https?:/.test(link));
    const broken = links.filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      return !existsSync(join(ROOT, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  test("names files and folders that exist", () => {
    const names = [...textOf(page).matchAll(PATH)].map(([, name = ""]) => name);
    // Names of tests are shortened to the part before the ending.
    const endings = ["", ".ts", ".test.ts"];
    expect(names.filter((name) => !endings.some((ending) => existsSync(join(ROOT, name + ending))))).toEqual([]);
  });

  test("names files by names that files have", () => {
    const names = [...textOf(page).matchAll(NAME)].map(([, name = ""]) => name);
    expect(names.filter((name) => !FILES.some((file) => basename(file) === name))).toEqual([]);
  });

  test("ends the lines of its paragraphs at 120 columns", () => {
    const lines = textOf(page).split("\n");
    const isProse = (line: string) =>
      !/^ {4}|^\||^#|^!?\[|^<|https?:/.test(line) && !/[.]ja[.]md$|CONTRIBUTING/.test(page);
    expect(lines.filter((line) => isProse(line) && line.length > 120)).toEqual([]);
  });
});

test("docs/README.md links to every page of the folder", () => {
  const index = "docs/README.md";
  const linked = [...textOf(index).matchAll(LINK)].map(([, link = ""]) => join("docs", link.split("#")[0] as string));
  expect(PAGES.filter((page) => page.startsWith("docs/") && page !== index && !linked.includes(page))).toEqual([]);
});

describe.each(DECISIONS)("%s", (page) => {
  const [, number = "", title = ""] = /^# (\d+)\. (.+)$/m.exec(textOf(page)) ?? [];

  test("has a number, a status and a date", () => {
    expect(Number(number)).toBe(Number(/\d{4}/.exec(page)?.[0]));
    expect(textOf(page)).toMatch(/^- Status: (?:accepted|partly superseded by \[\d+\]|superseded by \[\d+\])/m);
    expect(textOf(page)).toMatch(/^- Date: \d{4}-\d{2}-\d{2}$/m);
  });

  test("has the same title in docs/README.md", () => {
    expect(textOf("docs/README.md")).toContain(`[${number}. ${title}](${relative("docs", page)})`);
  });
});
