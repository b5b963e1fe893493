import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";

const { Segmenter } = Intl;

afterEach(() => {
  Object.assign(Intl, { Segmenter });
  jest.resetModules();
});

describe.each([
  ["Intl.Segmenter", Segmenter],
  ["a browser without Intl.Segmenter", undefined],
])("with %s", (_name, available) => {
  beforeEach(() => {
    Object.assign(Intl, { Segmenter: available });
  });

  test.each([
    ["🇯🇵日本", "🇯🇵"],
    ["👩‍🚀 astro", "👩‍🚀"],
    ["👍🏽", "👍🏽"],
    ["1️⃣番", "1️⃣"],
    ["🏴󠁧󠁢󠁥󠁮󠁧󠁿 England", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"],
    ["👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"],
    ["❤️", "❤️"],
    ["か\u3099き", "か\u3099"],
    ["e\u0301\u0302x", "E\u0301\u0302"],
    ["𠮷野", "𠮷"],
    ["ann", "A"],
    ["", ""],
  ])("the seal of %s is %s", async (nickname, seal) => {
    const { sealOf } = await import("../../protocol/graphemes.ts");
    expect(sealOf(nickname)).toBe(seal);
  });

  test("characters are counted as a person counts", async () => {
    const { graphemesOf } = await import("../../protocol/graphemes.ts");
    expect(graphemesOf("🇯🇵🇺🇸a👍🏽\u00e9か\u3099👨‍👩‍👧‍👦1️⃣")).toEqual([
      "🇯🇵",
      "🇺🇸",
      "a",
      "👍🏽",
      "é",
      "か\u3099",
      "👨‍👩‍👧‍👦",
      "1️⃣",
    ]);
  });
});
