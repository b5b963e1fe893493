/** Begins every trip, and is in no nickname and no title. */
export const TRIP_SIGN = "◆";

/** Returns whether a reader could take some of this text for the trip sign. */
export function hasTripSign(text: string): boolean {
  return DIAMOND.test(text);
}

/**
 * The characters whose Unicode 18 name says diamond or lozenge (playing cards excepted), and those
 * that are drawn like one: stars with four points ✦ ✧ ⯌, pentagons and hexagons ⬟ ⬢, the semibreves
 * 𝆹 𝆺, the runes ᛜ ᛝ and the Vai syllables ꕤ ꕥ.
 */
const DIAMOND = new RegExp(
  `[${[
    "\\u{20DF}\\u{16DC}\\u{16DD}\\u{22C4}\\u{2311}\\u{232C}\\u{2394}\\u{23E3}\\u{233A}\\u{235A}\\u{25C6}-\\u{25C8}\\u{25CA}",
    "\\u{2662}\\u{2666}\\u{26CB}\\u{2726}\\u{2727}\\u{2756}\\u{27D0}\\u{27E0}-\\u{27E3}\\u{291D}-\\u{2920}",
    "\\u{29EA}\\u{29EB}\\u{29F0}\\u{29F1}\\u{2B16}-\\u{2B19}\\u{2B1F}-\\u{2B23}",
    "\\u{2B25}-\\u{2B2B}\\u{2BC1}-\\u{2BC3}\\u{2BCC}-\\u{2BCF}\\u{2BDE}",
    "\\u{A564}\\u{A565}\\u{1CC8D}\\u{1D1B9}\\u{1D1BA}\\u{1D1C4}\\u{1F4A0}\\u{1F536}-\\u{1F539}",
    "\\u{1F797}-\\u{1F7A0}\\u{1F7C4}-\\u{1F7C8}\\u{1FBAE}\\u{1FBBF}",
  ].join("")}]`,
  "u",
);
