import { grouped } from "../../protocol/line.ts";
import { en } from "./words/en.ts";
import { ja, type PageWords } from "./words/ja.ts";

/** The languages of the pages. */
export type Language = "ja" | "en";

/**
 * Returns the language for a page: the one chosen before, else the one that the browser prefers,
 * else the site's.
 */
export function chooseLanguage(
  chosen: string | undefined,
  acceptLanguage: string | undefined,
  ofSite: Language,
): Language {
  if (chosen === "ja" || chosen === "en") return chosen;
  const preference = likedQuality(acceptLanguage, "ja") - likedQuality(acceptLanguage, "en");
  return preference === 0 ? ofSite : preference > 0 ? "ja" : "en";
}

/** Returns the words of a language. */
export function wordsOf(language: Language): PageWords {
  return language === "ja" ? ja : en;
}

/** A refusal as a page shows it. `wording` names its sentence, which may say when to try again. */
export type Problem = { wording: string; retrySeconds?: number | undefined };

/** Returns a refusal in words. An unknown code reads as an internal error. */
export function refusalText(words: PageWords, { wording, retrySeconds = 0 }: Problem): string {
  const text = isRefusal(words, wording) ? words.refusals[wording] : words.refusals.internal;
  return fill(text, { seconds: retrySeconds });
}

/** Returns the refusals that a page's script shows. After the others it retries automatically. */
export function scriptRefusals({ refusals }: PageWords): { [code: string]: string } {
  return Object.fromEntries(Object.entries(refusals).filter(([, text]) => !text.includes("{seconds}")));
}

/** Fills the numbers of members and visitors into `text`. */
export function figuresOf(text: string, { members, visitors }: { members: number; visitors: number }): string {
  return fill(text, { members: grouped(members), visitors: grouped(visitors) });
}

/** Replaces `{name}` in a text by the value of that name. */
export function fill(text: string, values: { [name: string]: string | number }): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

// [RFC 9110 12.5.4] `ja-JP;q=0.9, en`: a range matches a language and its regions. Without q it is
// 1. `*` is ignored, because it prefers neither language.
function likedQuality(acceptLanguage: string | undefined, language: Language): number {
  let quality = 0;
  for (const range of (acceptLanguage ?? "").toLowerCase().slice(0, 1000).split(",")) {
    const [tag = "", ...parameters] = range.split(";").map((part) => part.trim());
    if (tag !== language && !tag.startsWith(`${language}-`)) continue;
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    const value = weight === undefined ? 1 : Number(weight.slice(2));
    if (value <= 1) quality = Math.max(quality, value);
  }
  return quality;
}

function isRefusal(words: PageWords, code: string): code is keyof PageWords["refusals"] {
  return Object.hasOwn(words.refusals, code);
}
