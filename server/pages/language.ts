import { grouped } from "../../protocol/line.ts";
import { en } from "./words/en.ts";
import { ja, type Words } from "./words/ja.ts";

/** The languages the pages are written in. */
export type Language = "ja" | "en";

/** The page's language: the one chosen before, else the browser's best liked of ours, else English. */
export function chooseLanguage(chosen: string | undefined, acceptLanguage: string | undefined): Language {
  if (chosen === "ja" || chosen === "en") return chosen;
  return likedQuality(acceptLanguage, "ja") > likedQuality(acceptLanguage, "en") ? "ja" : "en";
}

/** The words of a language. */
export function wordsOf(language: Language): Words {
  return language === "ja" ? ja : en;
}

/** A refusal as a page shows it: `wording` names its sentence, which may say when to try again. */
export type Problem = { wording: string; retrySeconds?: number | undefined };

/** Returns a refusal in words. An unknown code reads as a fault of ours. */
export function refusalText(words: Words, { wording, retrySeconds = 0 }: Problem): string {
  const text = isRefusal(words, wording) ? words.refusals[wording] : words.refusals.internal;
  return fill(text, { seconds: retrySeconds });
}

/** Returns the refusals that a page's script shows. After the others it tries again on its own. */
export function scriptRefusals({ refusals }: Words): { [code: string]: string } {
  return Object.fromEntries(Object.entries(refusals).filter(([, text]) => !text.includes("{seconds}")));
}

/** Says in `text` how many members and visitors there are. */
export function figuresOf(text: string, { members, visitors }: { members: number; visitors: number }): string {
  return fill(text, { members: grouped(members), visitors: grouped(visitors) });
}

/** Puts values in the places of `{name}` in a text. */
export function fill(text: string, values: { [name: string]: string | number }): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

// [RFC 9110 12.5.4] `ja-JP;q=0.9, en`: a range fits a language and its regions; without q it is 1; `*` fits the rest.
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

function isRefusal(words: Words, code: string): code is keyof Words["refusals"] {
  return Object.hasOwn(words.refusals, code);
}
