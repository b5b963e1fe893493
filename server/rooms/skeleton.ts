import { LRUCache } from "lru-cache";
import { CONFUSABLES } from "./confusables.ts";
import { LOOK_ALIKES } from "./look-alikes.ts";

/**
 * Returns the form of a nickname that a person sees at a glance. Equal skeletons are one nickname
 * in a room. Look-alikes, widths, cases, accents, spaces and punctuation are folded; the voicing of
 * kana stays, and so does a gap between two digits (1-12 is not 11-2). Takes linear time: no run of
 * marks is ever put in order.
 */
export function skeletonOf(nickname: string): string {
  const typed = nickname.replace(TYPED_DASH, "ー");
  return fold(typed, (before, after) => (before.isDigit && after.isDigit ? "-" : ""));
}

/**
 * Returns the skeleton of a room's slug or title, in which every gap between words counts (tea-room
 * is not tearoom).
 */
export function roomSkeletonOf(name: string): string {
  return fold(name, () => "-");
}

/**
 * Returns the folded words of a name, split at spaces, punctuation and symbols. The digits and
 * symbols in `signs` count as letters, and are not folded.
 */
export function wordsOf(name: string, signs = ""): string[] {
  const folded = fold(
    name,
    () => " ",
    (char) => signOf(char, signs) ?? glyphOf(char),
  );
  const isWord = (char: string) => /[\p{L}\p{N}\p{M}]/u.test(char) || signs.includes(char);
  const words = Array.from(folded, (char) => (isWord(char) ? char : " ")).join("");
  return words.split(" ").filter((word) => word !== "");
}

function signOf(char: string, signs: string): Glyph | undefined {
  const image = char.normalize("NFKC");
  if (image.length > 1 || !signs.includes(image)) return undefined;
  return { image, kind: "letter", isDigit: false, isJapanese: false, isMarked: false };
}

/** A character as a reader sees it. */
type Glyph = {
  image: string;
  /** A dash as long as ー is unseen in Latin text, but read as ー next to kana and kanji. */
  kind: "letter" | "mark" | "accent" | "voicing" | "dash" | "unseen";
  isDigit: boolean;
  isJapanese: boolean;
  /**
   * It belongs to a script with marks of its own, such as Thai. On others a mark that is no accent
   * is decoration.
   */
  isMarked: boolean;
};

/** Returns what one character looks like, in lower case. */
export function imageOf(char: string): string {
  return glyphOf(char).image;
}

/**
 * Joins the images of a name's characters, with `joint` between two that had something unseen
 * between them.
 */
function fold(name: string, joint: (before: Glyph, after: Glyph) => string, read = glyphOf): string {
  const glyphs = unframed(Array.from(name.replace(VOICED, "\u3099").replace(SEMIVOICED, "\u309a"), read));
  let folded = "";
  let base: Glyph | undefined;
  let isGap = false;
  glyphs.forEach((glyph, at) => {
    if (isMark(glyph)) {
      if (base && belongs(glyph, base)) folded += glyph.image;
    } else if (isUnseen(glyph, base, glyphs[at + 1])) {
      isGap = true;
    } else {
      if (isGap && base) folded += joint(base, glyph);
      folded += glyph.image;
      base = glyph;
      isGap = false;
    }
  });
  // Punctuation counts if a name has nothing else, and + and # after a single letter: C, C++, C#.
  const signs = folded.length === 1 ? glyphs.filter(({ image }) => /^[+#]$/.test(image)) : folded ? [] : glyphs;
  const key = folded + signs.map(({ image }) => image).join("");
  // Nobody counts the strokes of vvvv and www.
  return key.replace(/v{5,}/g, "vvvv");
}

/** Leaves out a dash on either side: in 〜花子〜 they decorate, in マ〜 it is a ー. */
function unframed(glyphs: Glyph[]): Glyph[] {
  const isFramed = glyphs.length > 2 && glyphs[0]?.kind === "dash" && glyphs.at(-1)?.kind === "dash";
  return isFramed ? glyphs.slice(1, -1) : glyphs;
}

function isMark({ kind }: Glyph): boolean {
  return kind === "mark" || kind === "accent" || kind === "voicing";
}

function belongs(mark: Glyph, base: Glyph): boolean {
  if (mark.kind === "voicing") return base.isJapanese;
  return mark.kind === "mark" && base.isMarked;
}

function isUnseen({ kind }: Glyph, before?: Glyph, after?: Glyph): boolean {
  return kind === "unseen" || (kind === "dash" && !before?.isJapanese && !after?.isJapanese);
}

function glyphOf(char: string): Glyph {
  const known = GLYPHS.get(char);
  if (known) return known;
  const image = drawingOf(char);
  const glyph = {
    image,
    kind: kindOf(char, image),
    isDigit: DIGIT.test(char),
    isJapanese: JAPANESE.test(char),
    isMarked: !UNMARKED.test(char),
  };
  GLYPHS.set(char, glyph);
  return glyph;
}

function kindOf(char: string, image: string): Glyph["kind"] {
  if (VOICING.test(char)) return "voicing";
  if (MARK.test(char)) return ACCENT.test(char) ? "accent" : "mark";
  if (image === "ー" && !READ_DASH.test(char)) return "dash";
  // A digit that looks like a dot is still read.
  const isRead = READ.test(char) && !LIKE_PUNCTUATION.test(char);
  return !isRead && UNSEEN.test(image) ? "unseen" : "letter";
}

/**
 * Returns the image of a character's plain form (NFKC), so that a styled letter never has an image
 * of its own. Only a character in LOOK_ALIKES does: ϲ looks like c, but its NFKC is ς.
 */
function drawingOf(char: string): string {
  const plain = char.normalize("NFKC");
  if (HANGUL_SYLLABLE.test(plain)) return plain;
  if (LOOK_ALIKES.has(char) || !READ.test(plain)) return drawingOfPlain(char);
  // A reader reads ㈱, ¼ and ﬁ as several characters.
  return [...plain].length > 1 ? skeletonOf(plain) : drawingOfPlain(plain);
}

/**
 * Replaces a character by its prototype, before and after its decomposition. A capital is replaced
 * as it looks (only the capital of к is a K) before it becomes small. A small letter without a
 * prototype has that of its capital.
 */
function drawingOfPlain(char: string): string {
  const small = lower(char).replace(/[\p{Ll}--[a-z]]/gv, (letter) => lower(letter.toUpperCase()));
  const image = settle(small).replace(DIACRITICS, "").replace(/\s/g, "");
  // Unicode's table draws the hook of Ɓ as an apostrophe. Cree dots make other letters.
  return /[a-z]/.test(image) && !/[\p{P}\p{Script=Canadian_Aboriginal}]/u.test(char)
    ? image.replace(PUNCTUATION, "")
    : image;
}

function lower(text: string): string {
  return settle(settle(text).toLowerCase());
}

/** Repeats prototypes and decomposition until nothing changes. */
function settle(text: string): string {
  let settled = text;
  for (let round = 0; round < ROUNDS; round += 1) {
    const replaced = Array.from(settled, (char) => LOOK_ALIKES.get(char) ?? PROTOTYPES.get(char) ?? char).join("");
    const next = replaced.normalize("NFKD");
    if (next === settled) break;
    settled = next;
  }
  return settled;
}

/** The longest chain of replacements takes three rounds; the fourth finds nothing. */
const ROUNDS = 4;

/**
 * A drawing takes 2 to 10 µs. 5,000 are the kana, the kanji of daily use and a few alphabets: 1 MB.
 */
const GLYPHS = new LRUCache<string, Glyph>({ max: 5_000 });

const PROTOTYPES: ReadonlyMap<string, string> = new Map(
  CONFUSABLES.trim()
    .split("\n")
    .flatMap((line) => {
      const [prototype = "", chars = ""] = line.split(": ");
      const text = prototype.split("+").map(fromHex).join("");
      return chars.split(" ").map((char): [string, string] => [fromHex(char), text]);
    }),
);

function fromHex(code: string): string {
  return String.fromCodePoint(Number.parseInt(code, 16));
}

/** ー, 一 and ㅡ, but not the Latin ꟷ. */
const READ_DASH = /[\p{L}&&[\p{Script=Han}\p{Script=Hangul}ーｰ]]/v;
const DIGIT = /\p{Nd}/u;
const MARK = /\p{M}/u;
const HANGUL_SYLLABLE = /^[\uac00-\ud7a3]$/;
const JAPANESE = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}ー]/u;
/** ミキ- and ミキ~ read like ミキー. */
const TYPED_DASH =
  /(?<=[\p{Script=Hiragana}\p{Script=Katakana}])[-‐‑﹣~](?=[\p{Script=Hiragana}\p{Script=Katakana}]|$)/gu;
const VOICED = /[\u309b\uff9e]/g;
const SEMIVOICED = /[\u309c\uff9f]/g;
const VOICING = /[\u3099\u309a]/;

/**
 * Marks that are written or left out at will: accents, and the vowel points of Hebrew and Arabic.
 */
const ACCENT =
  /[\p{M}&&[\p{Script=Inherited}\p{Script=Common}\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Hebrew}\p{Script=Arabic}]]/v;
const DIACRITICS = new RegExp(`(?!${VOICING.source})${ACCENT.source}`, "gv");

/** Scripts that have no marks of their own, except accents. */
const UNMARKED = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Common}\p{Script=Han}]/u;

const UNSEEN = /^[[\p{P}\p{Z}\p{Cf}\p{Sk}~^<>=+]--[\p{Emoji_Modifier}\u200d\u{e0020}-\u{e007f}]]*$/v;
const PUNCTUATION = /[\p{P}\p{Sk}]/gu;
const READ = /[\p{L}\p{N}]/u;
const LIKE_PUNCTUATION = /[\p{Lm}\p{Script=Latin}]/u;
