import { expect, test } from "@jest/globals";
import { findNames } from "../../client/ui/find-names.ts";

const NAMES = ["Ann", "anna", "Bob", "さくら", "さくらんぼ", "Ｚｅｄ", "Old Tom"];

test.each([
  ["an", ["Ann", "anna"], 0],
  ["hello AN", ["Ann", "anna"], 6],
  ["@b", ["Bob"], 0],
  ["＠b", ["Bob"], 0],
  ["ze", ["Ｚｅｄ"], 0],
  ["よろしくさく", ["さくら", "さくらんぼ"], 4],
  ["old t", ["Old Tom"], 0],
  ["thanks, old", ["Old Tom"], 8],
] as const)("%j is completed", (text, names, start) => {
  expect(findNames(text, NAMES)).toEqual({ names, start });
});

test.each(["", "x", "Bob ", "plan", "@", "a@b.example", "hello "])("%j is not completed", (text) => {
  expect(findNames(text, NAMES)).toBeUndefined();
});
