import { ADDRESS, linkText } from "../../protocol/line.ts";
import { type Html, html, link } from "./html.ts";

/** Returns a message's text with its http(s) addresses as links. All else is escaped. */
export function linkedText(text: string): Html[] {
  return text.split(ADDRESS).map((piece, index) => {
    const shown = index % 2 === 1 && linkText(piece);
    if (!shown) return html`${piece}`;
    return html`<a href="${link(piece)}" rel="nofollow noopener noreferrer ugc" target="_blank">${shown}</a>`;
  });
}
