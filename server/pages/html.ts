import { HtmlSafeString } from "escape-html-template-tag";

/** Markup whose values are escaped. */
export type Html = HtmlSafeString;

/**
 * Renders an HTML template: escapes values, keeps nested templates and joins arrays. Unlike the
 * library's tag, which prints `undefined`, `null` and `false` as words, it prints nothing for them.
 */
export function html(parts: TemplateStringsArray, ...values: unknown[]): Html {
  return new HtmlSafeString(parts, values.map(blankNothing));
}

/**
 * Returns a path of the site, or a date, as the value of an attribute. The library would write
 * every `/` as `&#x2F;`, which is correct but unreadable. Paths contain percent-encoded text only,
 * so only the five characters below could end the attribute.
 */
export function link(path: string): Html {
  const escaped = path.replace(/[&"'<>]/g, (character) => `&#${character.charCodeAt(0)};`);
  return new HtmlSafeString([escaped], []);
}

function blankNothing(value: unknown): unknown {
  return value === undefined || value === null || value === false ? "" : value;
}
