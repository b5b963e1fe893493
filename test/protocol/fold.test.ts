import { expect, test } from "@jest/globals";
import { foldSentence, folds, SHORTEST_FOLD } from "../../protocol/fold.ts";
import { en } from "../../server/pages/words/en.ts";
import { ja } from "../../server/pages/words/ja.ts";

test("only coming and going becomes one line, and a run of three does", () => {
  expect(["enter", "leave", "message", "notice"].filter(folds)).toEqual(["enter", "leave"]);
  expect(SHORTEST_FOLD).toBe(3);
});

test("the sentence of a run names only what happened, in both languages", () => {
  const sentences = [
    [2, 1],
    [3, 0],
    [0, 3],
  ].map(([enters = 0, leaves = 0]) => foldSentence(enters, leaves));
  expect(sentences.map((name) => en.script[name])).toEqual([
    "{enters} came, {leaves} left",
    "{enters} came",
    "{leaves} left",
  ]);
  expect(sentences.map((name) => ja.script[name])).toEqual([
    "{enters}人が入室、{leaves}人が退室",
    "{enters}人が入室",
    "{leaves}人が退室",
  ]);
});
