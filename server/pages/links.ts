import { linkedPieces } from "../../protocol/links.ts";
import { type Html, html, link } from "./html.ts";

/** Returns a message's text with its addresses as links. All else is escaped. */
export function linkedText(text: string): Html[] {
  return linkedPieces(text).map((piece) =>
    piece.href === ""
      ? html`${piece.text}`
      : html`<a href="${link(piece.href)}" rel="nofollow noopener noreferrer ugc" target="_blank">${piece.text}</a>`,
  );
}
