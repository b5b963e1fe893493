import { type Html, html } from "./html.ts";

/** A field of a form: its name, its label, and what it contains. */
type Field = { name: string; label: string; hint?: string | undefined };

/** Renders a field for one line of text. */
export function textField(
  field: Field & { value?: string | number | undefined; type?: string; length?: number },
): Html {
  const { name, label, value, type = "text", length } = field;
  return html`<div class="field">
<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" value="${value}" dir="auto" autocomplete="${type === "password" ? "new-password" : "off"}"${length && html` maxlength="${length}"`}${described(field)}>
${hintOf(field)}</div>
`;
}

/** Renders a field for a whole number from 0 to `max`. */
export function numberField(field: Field & { value: number | null; max: number }): Html {
  const { name, label, value, max } = field;
  return html`<div class="field">
<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="number" min="0" max="${max}" value="${value}" size="8" inputmode="numeric" autocomplete="off"${described(field)}>
${hintOf(field)}</div>
`;
}

/** Renders a field for several lines of text. */
export function linesField(field: Field & { value: string; rows?: number; length?: number }): Html {
  const { name, label, value, rows = 3, length } = field;
  // A line end directly after the tag is not part of the content.
  return html`<div class="field">
<label for="${name}">${label}</label>
<textarea id="${name}" name="${name}" rows="${rows}" dir="auto"${length && html` maxlength="${length}"`}${described(field)}>
${value}</textarea>
${hintOf(field)}</div>
`;
}

/** Renders a box to tick, which sends `1`. */
export function tickField({ name, label, isOn }: { name: string; label: string; isOn: boolean }): Html {
  return html`<label class="choice"><input type="checkbox" name="${name}" value="1"${isOn && html` checked`}> <span>${label}</span></label>
`;
}

/** Renders a list to choose one value from. */
export function choiceField(field: Field & { value: string; options: readonly (readonly [string, string])[] }): Html {
  const { name, label, value, options } = field;
  return html`<div class="field">
<label for="${name}">${label}</label>
<select id="${name}" name="${name}"${described(field)}>${options.map(
    ([one, text]) => html`<option value="${one}"${one === value && html` selected`}>${text}</option>`,
  )}</select>
${hintOf(field)}</div>
`;
}

function described({ name, hint }: Field): Html | false {
  return hint !== undefined && html` aria-describedby="${name}-hint"`;
}

function hintOf({ name, hint }: Field): Html | false {
  return hint !== undefined && html`<p id="${name}-hint" class="hint">${hint}</p>\n`;
}
