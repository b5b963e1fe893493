import { APACHE, startApache } from "./apache.ts";
import { CADDY, startCaddy } from "./caddy.ts";
import { HAPROXY, startHaproxy } from "./haproxy.ts";
import type { Network } from "./network.ts";
import { NGINX, startNginx } from "./nginx.ts";
import { PRIVOXY, startPrivoxy } from "./privoxy.ts";
import { SQUID, startSquid } from "./squid.ts";
import { startTinyproxy, TINYPROXY } from "./tinyproxy.ts";
import { startVarnish, VARNISH } from "./varnish.ts";

// What the field gives up after a minute is given up after 8 s, so that a talk of twenty seconds meets it.

/** nginx is asked by the site to buffer nothing, and does not listen. */
const BUFFER = "proxy_ignore_headers X-Accel-Buffering; proxy_buffering on;";
const GZIP = "gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;";
const CACHE = `proxy_cache site; proxy_cache_valid any 10s; proxy_cache_lock on; proxy_cache_key $request_uri;
  proxy_ignore_headers X-Accel-Buffering Cache-Control Expires Set-Cookie;`;
const FEW = "limit_req_zone $binary_remote_addr zone=few:1m rate=10r/s;";
const CACHE_ZONE = "proxy_cache_path FOLDER/cache keys_zone=site:1m;";

const NGINXES = [
  nginx("plain", "as it is", ""),
  nginx("buffering", "buffers and ignores X-Accel-Buffering", BUFFER),
  nginx("big buffers", "the same with 64 KB a buffer", `${BUFFER} proxy_buffers 8 64k; proxy_buffer_size 64k;`),
  nginx("gzip", "compresses every type", GZIP),
  nginx("gzip, buffering", "compresses every type, buffers and ignores X-Accel-Buffering", GZIP + BUFFER),
  nginx("8 s timeouts", "gives up what is silent for 8 s", "proxy_read_timeout 8s; proxy_send_timeout 8s;"),
  nginx("cache", "keeps every answer for 10 s whatever it says", CACHE, CACHE_ZONE),
  nginx("few requests", "answers 503 above ten requests a second", "limit_req zone=few burst=5 nodelay;", FEW),
];

const HAPROXIES = [
  haproxy("plain", "as it is", 60),
  haproxy("5 s timeouts", "gives up what is silent for 5 s, with 504 before an answer", 5),
  haproxy("compression", "compresses", 60, "compression algo gzip", "compression type text/event-stream text/html"),
  haproxy("closing", "ends the connection with each answer, 8 s timeouts", 8, "option httpclose"),
];

const DEFLATE = "SetOutputFilter DEFLATE";

const APACHE_CACHE = [
  "CacheEnable socache /",
  "CacheIgnoreCacheControl On",
  "CacheIgnoreQueryString On",
  "CacheStoreNoStore On",
  "CacheStorePrivate On",
  "CacheIgnoreNoLastMod On",
  "CacheDefaultExpire 10",
];

const APACHES = [
  apache("plain", "as it is", 60),
  apache("deflate", "compresses everything", 60, DEFLATE),
  apache("deflate, 8 s", "compresses everything, gives up what is silent for 8 s", 8, DEFLATE),
  apache("cache", "keeps every answer for 10 s by its path, whatever it says", 60, ...APACHE_CACHE),
];

const VARNISHES = [
  varnish("plain", "as it is", ""),
  varnish("no streaming", "fetches an answer whole before it gives any of it", "set beresp.do_stream = false;"),
  varnish("gzip", "compresses everything", "set beresp.do_gzip = true;"),
  varnish("8 s timeouts", "gives up what is silent for 8 s", "", "between_bytes_timeout=8", "first_byte_timeout=8"),
];

const CADDIES = [
  caddy("plain", "as it is"),
  caddy("encode", "compresses what it thinks fit", "encode gzip zstd"),
  caddy("encode all", "compresses every type", "encode gzip {", "match header Content-Type *", "minimum_length 1", "}"),
];

const SQUIDS = [
  squid("default", "as it is"),
  squid(
    "short lifetimes",
    "ends clients after 10 s, silence after 8 s",
    "client_lifetime 10 seconds",
    "read_timeout 8 seconds",
  ),
  squid(
    "caching",
    "keeps what it must not",
    "refresh_pattern . 1 100% 1 override-expire ignore-no-store ignore-private",
  ),
  squid(
    "no CONNECT",
    "knows GET and POST only, and no tunnels",
    "acl more method CONNECT PUT DELETE OPTIONS PATCH HEAD",
    "http_access deny more",
  ),
  squid(
    "small bodies",
    "lets no answer above 256 KB and no request above 1 KB pass",
    "reply_body_max_size 256 KB",
    "request_body_max_size 1 KB",
  ),
  squid(
    "no event streams",
    "lets no answer of type text/event-stream pass",
    "acl streams rep_mime_type text/event-stream",
    "http_reply_access deny streams",
  ),
];

const FILTERS = ["refresh-tags", "img-reorder", "webbugs", "jumping-windows", "ie-exploits", "js-annoyances"]
  .map((name) => `+filter{${name}}`)
  .join(" ");

const PRIVOXIES = [
  privoxy("Debian's defaults", "filters texts, for which it holds them whole"),
  privoxy(
    "all filters",
    "the same with every filter, on whatever type",
    `+force-text-mode +prevent-compression ${FILTERS}`,
  ),
  privoxy("no filters", "as it is without actions", ""),
];

const TINYPROXIES = [
  tinyproxy("default", "as it is", 600),
  tinyproxy("8 s timeout", "gives up what is silent for 8 s", 8),
];

/** Networks made of real programs. */
export const REAL_NETWORKS: Network[] = [
  ...NGINXES,
  ...HAPROXIES,
  ...APACHES,
  ...VARNISHES,
  ...CADDIES,
  ...SQUIDS,
  ...PRIVOXIES,
  ...TINYPROXIES,
];

function nginx(name: string, does: string, location: string, http = ""): Network {
  return { name: `nginx: ${name}`, does, program: NGINX, start: ({ url }) => startNginx(url, location, http) };
}

function haproxy(name: string, does: string, timeoutSeconds: number, ...lines: string[]): Network {
  const start: Network["start"] = ({ url }) => startHaproxy(url, timeoutSeconds, ...lines);
  return { name: `HAProxy: ${name}`, does, program: HAPROXY, start };
}

function apache(name: string, does: string, timeoutSeconds: number, ...lines: string[]): Network {
  const start: Network["start"] = ({ url }) => startApache(url, timeoutSeconds, ...lines);
  return { name: `Apache: ${name}`, does, program: APACHE, start };
}

function varnish(name: string, does: string, fetched: string, ...parameters: string[]): Network {
  const start: Network["start"] = ({ url }) => startVarnish(url, fetched, ...parameters);
  return { name: `Varnish: ${name}`, does, program: VARNISH, start };
}

function caddy(name: string, does: string, ...lines: string[]): Network {
  return { name: `Caddy: ${name}`, does, program: CADDY, start: ({ url }) => startCaddy(url, ...lines) };
}

function squid(name: string, does: string, ...lines: string[]): Network {
  return { name: `squid: ${name}`, does, program: SQUID, start: ({ url }) => startSquid(url, ...lines) };
}

function privoxy(name: string, does: string, actions?: string): Network {
  return { name: `Privoxy: ${name}`, does, program: PRIVOXY, start: ({ url }) => startPrivoxy(url, actions) };
}

function tinyproxy(name: string, does: string, timeoutSeconds: number): Network {
  const start: Network["start"] = ({ url }) => startTinyproxy(url, timeoutSeconds);
  return { name: `tinyproxy: ${name}`, does, program: TINYPROXY, start };
}
