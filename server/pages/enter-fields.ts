import { COLORS, NICKNAME_CODE_POINTS, SECRET_LENGTH_MAX } from "../../protocol/limits.ts";
import { type Html, html } from "./html.ts";
import { type Problem, refusalText, wordsOf } from "./language.ts";
import type { PageLayout } from "./layout.ts";

/** Renders the fields of `form#enter`: nickname and color, with the problem of the last attempt. */
export function enterFields(layout: PageLayout, entry: { nickname?: string; problem?: Problem }): Html {
  const words = wordsOf(layout.language);
  const { problem } = entry;
  if (layout.hasFixedName) return fixedName(layout, problem);
  const nickname = entry.nickname ?? layout.member?.nickname;
  return html`${problemLine(layout, problem)}
<div class="field nickname-field">
<label for="nickname">${words.nickname}</label>
<input dir="auto" id="nickname" name="nickname" value="${nickname}" maxlength="${FIELD_LENGTH}" required autocomplete="nickname" autocapitalize="off" spellcheck="false" enterkeyhint="go" aria-describedby="${problem && html`problem `}nickname-hint"${problem && html` aria-invalid="true"`}>
<p id="nickname-hint" class="hint">${words.nicknameHint}</p>
</div>
${swatches(layout)}`;
}

/** Renders the name of a user of the host, which is not theirs to choose here. */
function fixedName(layout: PageLayout, problem: Problem | undefined): Html {
  const words = wordsOf(layout.language);
  return html`${problemLine(layout, problem)}
<div class="field nickname-field">
<label for="nickname">${words.nickname}</label>
<input dir="auto" id="nickname" name="nickname" value="${layout.member?.nickname}" readonly aria-describedby="nickname-hint">
<p id="nickname-hint" class="hint">${words.nicknameFixed}</p>
</div>
<input type="hidden" name="color" value="${layout.member?.color}">`;
}

/** A nickname, `#` and a secret. A browser counts UTF-16 units, of which an emoji takes two. */
const FIELD_LENGTH = 2 * NICKNAME_CODE_POINTS + 1 + SECRET_LENGTH_MAX;

/** Renders a problem as a sentence, to be placed above its form. */
export function problemLine(layout: PageLayout, problem: Problem | undefined): Html {
  if (problem === undefined) return html``;
  return html`<p id="problem" class="problem" role="alert">${refusalText(wordsOf(layout.language), problem)}</p>`;
}

function swatches(layout: PageLayout): Html {
  const words = wordsOf(layout.language);
  // A random color for each newcomer, or half the room would have the first one.
  const chosen = layout.member?.color ?? COLORS[Math.floor(Math.random() * COLORS.length)];
  return html`<fieldset class="field swatches">
<legend>${words.color}</legend>
${COLORS.map(
  (color, index) =>
    html`<label class="swatch" data-color="${color}" title="${words.colors[index]}"><input type="radio" name="color" value="${color}"${color === chosen && html` checked`}><span class="swatch-name">${words.colors[index]}</span></label>`,
)}
</fieldset>`;
}
