import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { ja } from "../../server/pages/words/ja.ts";

function source(file: string): string {
  return readFileSync(new URL(`../../client/${file}`, import.meta.url), "utf8");
}

test("the page has exactly the words that the script reads", () => {
  const declared = /export type ScriptWords = \{([\s\S]*?)\n\};/.exec(source("words.ts"))?.[1] ?? "";
  const words = [...declared.matchAll(/^ {2}(\w+):/gm)].map((match) => match[1]);
  expect(words.sort()).toEqual([...Object.keys(ja.script), "refusals"].sort());
});
