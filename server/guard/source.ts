import type { Context } from "koa";
import { refuse } from "../refusal.ts";

/**
 * Where a request comes from, according to the browser:
 *
 * - `own`: a page of this site.
 * - `listed`: a page of an origin in CHATTERA_ORIGINS.
 * - `other-site`: another site without doubt, by Sec-Fetch-Site.
 * - `other-host`: Origin or Referer names another host. It is another site, or this one behind a
 *   proxy that does not pass its name on.
 * - `unknown`: a program, or an old browser, that names no source.
 */
export type RequestSource = "own" | "listed" | "other-site" | "other-host" | "unknown";

/** Host names of the site itself, each for any port where it names none. */
export type Hosts = { name: string; port: string | undefined }[];

/** Reads `chat.example.org` or `[::1]:3000`; `undefined` for anything else. */
export function readHost(text: string): Hosts[number] | undefined {
  if (!/^[\w.:[\]-]+$/.test(text) || !URL.canParse(`http://${text}`)) return undefined;
  const { hostname } = new URL(`http://${text}`);
  return { name: hostname.replace(/\.$/, ""), port: /:(\d+)$/.exec(text)?.[1] };
}

/**
 * Returns whether a request is for a host that is not the site's own [RFC 9110 15.5.20]. Without
 * configured hosts, all are its own. Throws `malformed` for a request that names two, since a proxy
 * on its way may have checked the other one [RFC 9112 3.2].
 */
export function isWrongHost(ctx: Context, hosts: Hosts): boolean {
  if (hosts.length === 0) return false;
  const { host }: { host: string } = ctx.state as { host: string };
  if (namesTwoHosts(ctx)) throw refuse("malformed", "the request names two hosts");
  // HTTP/1.0 names no host. Every browser does, and DNS rebinding deceives browsers only.
  if (host === "") return ctx.req.httpVersion !== "1.0";
  const asked = readHost(host);
  return asked === undefined || !isAmong(hosts, asked.name, asked.port ?? (ctx.state.isSecure ? "443" : "80"));
}

/**
 * Returns whether two hosts are named: in two header lines, or in the target (`GET
 * http://other.example/ HTTP/1.1`) and a header.
 */
function namesTwoHosts({ req, originalUrl }: Context): boolean {
  const names = req.rawHeaders.filter((name, n) => n % 2 === 0 && name.toLowerCase() === "host");
  if (names.length > 1) return true;
  return !originalUrl.startsWith("/") && URL.canParse(originalUrl) && new URL(originalUrl).host !== req.headers.host;
}

/** Returns where a request comes from. `origins` are serialized as `URL.origin` does it. */
export function sourceOf(ctx: Context, origins: string[], hosts: Hosts): RequestSource {
  const { origin, "sec-fetch-site": site } = ctx.req.headers;
  if (site === "same-origin") return "own";
  const named = namedOrigin(ctx);
  if (named !== undefined && origins.includes(named.origin)) return "listed";
  // [Fetch metadata 2.3] `none`: a person requested it, by the address bar or a bookmark.
  if (site && site !== "none") return "other-site";
  if (named !== undefined) return isOwn(ctx, named, hosts) ? "own" : "other-host";
  return origin ? "other-host" : "unknown";
}

/**
 * Returns whether another page probably hid where the request comes from. In every browser except
 * the oldest, our own pages send a Referer; an attacking page can suppress it.
 */
export function isHidden(ctx: Context, source: RequestSource): boolean {
  const agent = ctx.get("User-Agent");
  return source === "unknown" && ctx.get("Sec-Fetch-Site") === "" && MODERN.test(agent) && !/Trident/.test(agent);
}

/**
 * Returns whether a graphical browser of any age sent the request. Text browsers do not match; they
 * send a Referer.
 */
export function isBrowser(ctx: Context): boolean {
  return /^(Mozilla|Opera)\//.test(ctx.get("User-Agent"));
}

/** Matches every browser since 2008, except Internet Explorer and text browsers. */
const MODERN = /^Mozilla\/5\.0 .*(Gecko|AppleWebKit)/;

/**
 * [Fetch 3.1] `Origin: null` names nobody: a sandboxed frame, or an older browser under
 * `no-referrer`. Then the Referer counts.
 */
function namedOrigin(ctx: Context): URL | undefined {
  const { origin, referer } = ctx.req.headers;
  const from = origin && origin !== "null" ? origin : referer;
  if (!from || !URL.canParse(from)) return undefined;
  const url = new URL(from);
  return url.protocol === "http:" || url.protocol === "https:" ? url : undefined;
}

/**
 * Compares after parsing, without the scheme's default port. Over TLS, a page without TLS is
 * another site. Behind a proxy that does not pass the name on, our pages look like another host's;
 * then their name and port must be those of the settings. Another port of the host that the request
 * names is another site, unless the settings name it.
 */
function isOwn(ctx: Context, named: URL, hosts: Hosts): boolean {
  if (ctx.state.isSecure && named.protocol === "http:") return false;
  const own = `${named.protocol}//${ctx.state.host}`;
  const asked = URL.canParse(own) ? new URL(own) : undefined;
  if (asked?.host === named.host) return true;
  const isHidden = asked?.hostname !== named.hostname;
  return hosts.some(({ name, port }) => {
    if (name !== named.hostname.replace(/\.$/, "")) return false;
    return port === undefined ? isHidden && named.port === "" : port === portOf(named);
  });
}

function isAmong(hosts: Hosts, name: string, port: string): boolean {
  const bare = name.replace(/\.$/, "");
  return hosts.some((host) => host.name === bare && (host.port === undefined || host.port === port));
}

function portOf(url: URL): string {
  return url.port || (url.protocol === "https:" ? "443" : "80");
}
