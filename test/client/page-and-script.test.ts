import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { ADDRESS } from "../../protocol/line.ts";
import { ja } from "../../server/pages/ja.ts";

function source(file: string): string {
  return readFileSync(new URL(`../../client/ui/${file}`, import.meta.url), "utf8");
}

test("the script reads no word that the page does not bring, and the page brings none that is not read", () => {
  const declared = /export type Words = \{([\s\S]*?)\n\};/.exec(source("words.ts"))?.[1] ?? "";
  const words = [...declared.matchAll(/^ {2}(\w+):/gm)].map((match) => match[1]);
  expect(words.sort()).toEqual([...Object.keys(ja.script), "refusals"].sort());
});

test("an address ends before what does not belong to it", () => {
  const addresses = (text: string) => text.split(ADDRESS).filter((_, index) => index % 2 === 1);
  expect(addresses("https://a.example/x?y=1#z、次")).toEqual(["https://a.example/x?y=1#z"]);
  expect(addresses("(see http://a.example/b.) and ftp://c.example")).toEqual(["http://a.example/b"]);
  expect(addresses("javascript:alert(1) https:// http://")).toEqual([]);
  expect(addresses('http://a.example/"onmouseover="x')).toEqual(["http://a.example/"]);
});

test("a very long text is searched for addresses in no time", () => {
  const started = Date.now();
  for (const piece of ["http://", "http://!", "https://a.", "http:/"]) piece.repeat(2000).split(ADDRESS);
  expect(Date.now() - started).toBeLessThan(500);
});
