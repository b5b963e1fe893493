import { graphemesOf } from "../../protocol/graphemes.ts";
import { NICKNAME_CODE_POINTS, NICKNAME_LENGTH, SECRET_LENGTH, SECRET_LENGTH_MAX } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";
import { isDisplayable, isTooLong } from "./displayable.ts";
import { hasTripSign } from "./trip-sign.ts";

/**
 * Reads what a person typed as a nickname: NFC, trimmed, inner white space as one space.
 * `name#secret` is split at the first `#`, also the fullwidth `＃` of a Japanese keyboard, so that
 * nobody publishes a secret as a part of the name. Throws `nickname_invalid` or `secret_invalid`.
 */
export function readNickname(typed: string): { nickname: string; secret: string | undefined } {
  const at = typed.search(/[#＃﹟]/);
  const nickname = readName(at < 0 ? typed : typed.slice(0, at));
  const secret = at < 0 ? undefined : typed.slice(at + 1);
  return { nickname, secret: secret ? readSecret(secret) : undefined };
}

function readName(typed: string): string {
  if (isTooLong(typed, NICKNAME_LENGTH) || !typed.isWellFormed()) throw refuse("nickname_invalid");
  const nickname = typed
    .normalize("NFC")
    .trim()
    .replace(/\p{Zs}+/gu, " ");
  if (!isDisplayable(nickname, NICKNAME_CODE_POINTS) || hasTripSign(nickname)) throw refuse("nickname_invalid");
  if (graphemesOf(nickname).length > NICKNAME_LENGTH) throw refuse("nickname_invalid");
  return nickname;
}

function readSecret(typed: string): string {
  if (typed.length > SECRET_LENGTH_MAX || !typed.isWellFormed()) throw refuse("secret_invalid");
  // The same word typed on another system may be composed differently.
  const secret = typed.normalize("NFC");
  if ([...secret].length < SECRET_LENGTH) throw refuse("secret_invalid");
  return secret;
}
