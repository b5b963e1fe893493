import { type Html, html, link } from "./html.ts";

/** A remark's text with its http(s) addresses as links; all else is escaped. */
export function linkedText(text: string): Html[] {
  return text.split(ADDRESS).map((piece, index) => {
    if (index % 2 === 0) return html`${piece}`;
    return html`<a href="${link(piece)}" rel="nofollow noopener noreferrer ugc" target="_blank">${piece}</a>`;
  });
}

// [RFC 3986 2] ASCII only, so that 「https://example.jp/を見て」 ends before を and no look-alike host becomes a link; the
// last character is none of a sentence's punctuation. Split by it, every second piece is an address. The client's
// line-of-event.ts has the same expression; a test compares the two.
export const ADDRESS = /(https?:\/\/[\w!#$%&()*+,\-./:;=?@[\]~]*[\w#$%&*+\-/=@~])/;
