import unhomoglyph from "unhomoglyph";
import { NICKNAME_LENGTH } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";

/**
 * Reads what somebody typed as a nickname: NFC, trimmed, inner white space as one space. `name#secret` is split; the
 * secret becomes the trip elsewhere. A typed ◆ becomes ◇, for ◆ proves a trip. Throws `nickname_invalid`.
 */
export function readNickname(typed: string): { nickname: string; secret: string | undefined } {
  if (!typed.isWellFormed()) throw refuse("nickname_invalid");
  const at = typed.indexOf("#");
  const name = at < 0 ? typed : typed.slice(0, at);
  const secret = at < 0 ? undefined : typed.slice(at + 1);
  const nickname = name
    .normalize("NFC")
    .trim()
    .replace(/\p{Zs}+/gu, " ")
    .replaceAll("◆", "◇");
  if (!isAllowed(nickname)) throw refuse("nickname_invalid");
  return { nickname, secret: secret || undefined };
}

/**
 * What makes two nicknames look alike: width and compatibility forms, homoglyphs (the confusables of Unicode TR 39),
 * case and spaces are taken away. Equal looks are one nickname in a room. Marks stay: が is not か. Homoglyphs come
 * before case, for only the capital of Кate is a K; and as I looks like l, so must its small i.
 */
export function lookOf(nickname: string): string {
  const skeleton = unhomoglyph(nickname.normalize("NFKC")).normalize("NFKC").toLowerCase();
  return unhomoglyph(skeleton).replace(/\s/gu, "").replaceAll("i", "l");
}

/** [trust 6] No controls, no invisible fillers, no direction overrides, no towers of marks; something to be seen. */
function isAllowed(nickname: string): boolean {
  const length = [...nickname].length;
  if (length < 1 || length > NICKNAME_LENGTH) return false;
  // an emoji may be made of joiners and selectors that nobody may use elsewhere
  const rest = nickname.replace(/\p{RGI_Emoji}/gv, "☺");
  return !FORBIDDEN.test(rest) && VISIBLE.test(rest);
}

/** Controls, formats and the unassigned; letters and marks that show nothing; variation selectors; five marks in a row. */
const FORBIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Variation_Selector}\p{Default_Ignorable_Code_Point}\u{2800}]|\p{M}{5}/u;

const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;
