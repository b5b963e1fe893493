import { COLORS, NICKNAME_LENGTH, SECRET_LENGTH_MAX } from "../../protocol/limits.ts";
import { type Html, html } from "./html.ts";
import { type Problem, refusalText, wordsOf } from "./language.ts";
import type { PageLayout } from "./layout.ts";

/** Renders the fields of `form#enter`: nickname and color, with the problem of the last attempt. */
export function enterFields(frame: PageLayout, entry: { nickname?: string; problem?: Problem }): Html {
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

/** A nickname, `#` and a secret. A browser counts UTF-16 units, of which an emoji takes two. */
const FIELD_LENGTH = 2 * NICKNAME_LENGTH + 1 + SECRET_LENGTH_MAX;

/** Renders a problem as a sentence, to be placed above its form. */
export function problemLine(frame: PageLayout, problem: Problem | undefined): Html {
  if (problem === undefined) return html``;
  return html`<p id="problem" class="problem" role="alert">${refusalText(wordsOf(frame.language), problem)}</p>`;
}

function swatches(frame: PageLayout): Html {
  const words = wordsOf(frame.language);
  // A random color for each newcomer, or half the room would have the first one.
  const chosen = frame.member?.color ?? COLORS[Math.floor(Math.random() * COLORS.length)];
  return html`<fieldset class="field swatches">
<legend>${words.color}</legend>
${COLORS.map(
  (color, index) =>
    html`<label class="swatch" data-color="${color}"><input type="radio" name="color" value="${color}"${color === chosen && html` checked`}><span class="swatch-name">${words.colors[index]}</span></label>`,
)}
</fieldset>`;
}
