import { COLORS, NICKNAME_LENGTH, SECRET_LENGTH_MAX } from "../../protocol/limits.ts";
import { type Html, html } from "./html.ts";
import { type Problem, refusalText, wordsOf } from "./language.ts";
import type { PageFrame } from "./layout.ts";

/** The fields of every `form#enter`: nickname and color, with what was wrong the last time. */
export function enterFields(frame: PageFrame, entry: { nickname?: string; problem?: Problem }): Html {
  const words = wordsOf(frame.language);
  const { problem } = entry;
  const nickname = entry.nickname ?? frame.member?.nickname;
  return html`${problemLine(frame, problem)}
<div class="field nickname-field">
<label for="nickname">${words.nickname}</label>
<input id="nickname" name="nickname" value="${nickname}" maxlength="${FIELD_LENGTH}" required autocomplete="nickname" autocapitalize="off" spellcheck="false" enterkeyhint="go" aria-describedby="${problem && html`problem `}nickname-hint"${problem && html` aria-invalid="true"`}>
<p id="nickname-hint" class="hint">${words.nicknameHint}</p>
</div>
${swatches(frame)}`;
}

/** A nickname, `#` and a secret. A browser counts UTF-16 units: twice the nickname, for emoji. */
const FIELD_LENGTH = 2 * NICKNAME_LENGTH + 1 + SECRET_LENGTH_MAX;

/** What went wrong, in a sentence above the form it concerns. */
export function problemLine(frame: PageFrame, problem: Problem | undefined): Html {
  if (problem === undefined) return html``;
  return html`<p id="problem" class="problem" role="alert">${refusalText(wordsOf(frame.language), problem)}</p>`;
}

function swatches(frame: PageFrame): Html {
  const words = wordsOf(frame.language);
  // another color for each newcomer, or half the room would wear the first one
  const chosen = frame.member?.color ?? COLORS[Math.floor(Math.random() * COLORS.length)];
  return html`<fieldset class="field swatches">
<legend>${words.color}</legend>
${COLORS.map(
  (color, index) =>
    html`<label class="swatch" data-color="${color}"><input type="radio" name="color" value="${color}"${color === chosen && html` checked`}><span class="swatch-name">${words.colors[index]}</span></label>`,
)}
</fieldset>`;
}
