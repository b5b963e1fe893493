import { randomInt } from "node:crypto";
import { refuse } from "../refusal.ts";

/** A text whose command was obeyed: a message, or a notice of the site. */
export type Spoken = { kind: "message" | "notice"; text: string };

const DICE_MAX = 20;
const SIDES_MIN = 2;
const SIDES_MAX = 1_000;
const BONUS_MAX = 1_000;

/**
 * Obeys the command that a text begins with. `/roll 2d6+1` rolls dice, `/omikuji` draws a fortune,
 * and chance is the server's, so that nobody can choose it. `//roll` says `/roll`. Any other text
 * is a message. Throws `dice_invalid`.
 */
export function obey(text: string): Spoken {
  if (!/^[/\uff0f]/.test(text)) return { kind: "message", text };
  // A Japanese keyboard types wide letters.
  const typed = text.normalize("NFKC").trim();
  if (/^\/\/+(roll|omikuji)(\s|$)/i.test(typed)) return { kind: "message", text: text.slice(1) };
  if (/^\/roll(\s|$)/i.test(typed)) return { kind: "notice", text: roll(typed) };
  if (/^\/omikuji$/i.test(typed)) return { kind: "notice", text: drawFortune() };
  return { kind: "message", text };
}

/**
 * Returns a roll as a sum, which reads the same in every language and aloud: `2d6+1 = 4 + 3 + 1 =
 * 8`.
 */
function roll(typed: string): string {
  const [, count = "", sides = "", sign = "", more = ""] = ROLL.exec(typed) ?? [];
  const [dice, sidesEach, bonus] = [Number(count), Number(sides), Number(more)];
  const isInBounds =
    dice >= 1 && dice <= DICE_MAX && sidesEach >= SIDES_MIN && sidesEach <= SIDES_MAX && bonus <= BONUS_MAX;
  if (!isInBounds) throw refuse("dice_invalid");
  const rolled = Array.from({ length: dice }, () => randomInt(1, sidesEach + 1));
  const sum = rolled.reduce((all, one) => all + one, 0) + (sign === "-" ? -bonus : bonus);
  const name = `${dice}d${sidesEach}${sign === "" ? "" : sign + bonus}`;
  const terms = rolled.join(" + ") + (sign === "" ? "" : ` ${sign} ${bonus}`);
  return terms === String(sum) ? `${name} = ${sum}` : `${name} = ${terms} = ${sum}`;
}

const ROLL = /^\/roll\s+(\d{1,2})d(\d{1,4})(?:([+-])(\d{1,4}))?$/i;

/** Returns a fortune with its English name, so that everybody in a room can read it. */
function drawFortune(): string {
  const [japanese, english] = FORTUNES[randomInt(FORTUNES.length)] as [string, string];
  return `おみくじ (omikuji): ${japanese} (${english})`;
}

/** One paper of twelve is bad luck, which is kinder than a shrine. */
const FORTUNES: [string, string][] = [
  ["大吉", "great luck"],
  ["大吉", "great luck"],
  ["中吉", "good luck"],
  ["中吉", "good luck"],
  ["小吉", "a little luck"],
  ["小吉", "a little luck"],
  ["吉", "luck"],
  ["吉", "luck"],
  ["吉", "luck"],
  ["末吉", "luck to come"],
  ["末吉", "luck to come"],
  ["凶", "bad luck"],
];
