/**
 * Returns the seq of the message of this room that a link leads to, 0 if it leads elsewhere. `href`
 * and `here` are whole addresses: the link's, and one of this site.
 */
export function linkedSeq(href: string, here: string, path: string): number {
  const site = /^https?:\/\/[^/]+/.exec(here);
  const start = (site === null ? "" : (site[0] as string)) + path;
  const rest = href.slice(start.length);
  return href.slice(0, start.length) === start && /^\/[1-9]\d{0,15}$/.test(rest) ? Number(rest.slice(1)) : 0;
}
