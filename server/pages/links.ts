import { ADDRESS } from "../../protocol/line.ts";
import { type Html, html, link } from "./html.ts";

/** A remark's text with its http(s) addresses as links; all else is escaped. */
export function linkedText(text: string): Html[] {
  return text.split(ADDRESS).map((piece, index) => {
    if (index % 2 === 0) return html`${piece}`;
    return html`<a href="${link(piece)}" rel="nofollow noopener noreferrer ugc" target="_blank">${piece}</a>`;
  });
}
