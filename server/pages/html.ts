import { HtmlSafeString } from "escape-html-template-tag";

/** Markup in which everything is escaped that must be. */
export type Html = HtmlSafeString;

/**
 * Template tag for HTML: values are escaped, nested templates stay, arrays are joined. Unlike the library's own tag,
 * which prints them as words, `undefined`, `null` and `false` become nothing.
 */
export function html(parts: TemplateStringsArray, ...values: unknown[]): Html {
  return new HtmlSafeString(parts, values.map(blankNothing));
}

/**
 * A path of ours as an attribute's value. The library would write every `/` as `&#x2F;`, which is right but unreadable;
 * paths hold percent-encoded text only, so the five characters below are all that could end the attribute.
 */
export function link(path: string): Html {
  const escaped = path.replace(/[&"'<>]/g, (character) => `&#${character.charCodeAt(0)};`);
  return new HtmlSafeString([escaped], []);
}

function blankNothing(value: unknown): unknown {
  return value === undefined || value === null || value === false ? "" : value;
}
