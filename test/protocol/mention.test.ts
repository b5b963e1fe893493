import { expect, test } from "@jest/globals";
import { mentions } from "../../protocol/mention.ts";

test.each([
  ["Ann", "hello Ann"],
  ["Ann", "@ann: look"],
  ["Ann", "ANN!"],
  ["Ann", "Ａｎｎ、こんにちは"],
  ["Ann", "annは来ますか"],
  ["Ann", "Ann's"],
  ["José", "jose?"],
  ["Ｋｅｎ", "ken"],
  ["健太", "ねえ健太さん"],
  ["健太", "今日は健太と話した"],
  ["さくら", "昨日さくらが来た"],
  ["タロウ", "ねえタロウ聞いて"],
  ["ﾀﾛｳ", "タロウさん"],
  ["鳥", "ねえ鳥、元気?"],
  ["鳥", "鳥先生"],
  ["あ", "@あ さん"],
  ["あ", "あさん、こんにちは"],
  ["민수", "민수는 어디"],
  ["a.b", "is a.b here"],
  ["😀", "hi 😀"],
  ["x(", "x( and so on"],
])("%s is mentioned in: %s", (nickname, text) => {
  expect(mentions(text, nickname)).toBe(true);
});

test.each([
  ["Ann", "Anna and Joanne"],
  ["Ann", "ann_b"],
  ["Ann", "https://example.com/ann and ann@example.com"],
  ["Ann", "nobody"],
  ["タロウ", "タロウマル"],
  ["鳥", "白鳥の湖"],
  ["あ", "ありがとう"],
  ["か", "がんばれ"],
  ["", "anything"],
  ["12", "at 3:125"],
])("%s is not mentioned in: %s", (nickname, text) => {
  expect(mentions(text, nickname)).toBe(false);
});

test("a long text without the name takes no time to speak of", () => {
  const startedAt = performance.now();
  for (let n = 0; n < 200; n += 1) mentions("あいうえお ".repeat(333), "Ann");
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
