import { APACHE, startApache } from "./apache.ts";
import { CADDY, startCaddy } from "./caddy.ts";
import { HAPROXY, startHaproxy } from "./haproxy.ts";
import type { HostileNetwork } from "./network.ts";
import { NGINX, startNginx } from "./nginx.ts";
import { PRIVOXY, startPrivoxy } from "./privoxy.ts";
import { SQUID, startSquid } from "./squid.ts";
import { startTinyproxy, TINYPROXY } from "./tinyproxy.ts";
import { startVarnish, VARNISH } from "./varnish.ts";

// Timeouts are 8 s instead of the usual minute, so that a talk of twenty seconds runs into them.

/** Ignores the site's request not to buffer. */
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
  nginx("8 s timeouts", "times out after 8 s of silence", "proxy_read_timeout 8s; proxy_send_timeout 8s;"),
  nginx("cache", "caches every answer for 10 s regardless of its headers", CACHE, CACHE_ZONE),
  nginx("few requests", "answers 503 above ten requests a second", "limit_req zone=few burst=5 nodelay;", FEW),
];

const HAPROXIES = [
  haproxy("plain", "as it is", 60),
  haproxy("5 s timeouts", "times out after 5 s of silence, with 504 before an answer", 5),
  haproxy("compression", "compresses", 60, "compression algo gzip", "compression type text/event-stream text/html"),
  haproxy("closing", "closes the connection after each answer, 8 s timeouts", 8, "option httpclose"),
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
  apache("deflate, 8 s", "compresses everything, times out after 8 s of silence", 8, DEFLATE),
  apache("cache", "caches every answer for 10 s by its path, regardless of its headers", 60, ...APACHE_CACHE),
];

const VARNISHES = [
  varnish("plain", "as it is", ""),
  varnish("no streaming", "fetches an answer completely before it passes it on", "set beresp.do_stream = false;"),
  varnish("gzip", "compresses everything", "set beresp.do_gzip = true;"),
  varnish("8 s timeouts", "times out after 8 s of silence", "", "between_bytes_timeout=8", "first_byte_timeout=8"),
];

const CADDIES = [
  caddy("plain", "as it is"),
  caddy("encode", "compresses by its own rules", "encode gzip zstd"),
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
    "caches private answers",
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
    "refuses answers above 256 KB and requests above 1 KB",
    "reply_body_max_size 256 KB",
    "request_body_max_size 1 KB",
  ),
  squid(
    "no event streams",
    "refuses answers of type text/event-stream",
    "acl streams rep_mime_type text/event-stream",
    "http_reply_access deny streams",
  ),
];

const FILTERS = ["refresh-tags", "img-reorder", "webbugs", "jumping-windows", "ie-exploits", "js-annoyances"]
  .map((name) => `+filter{${name}}`)
  .join(" ");

const PRIVOXIES = [
  privoxy("Debian's defaults", "filters texts, so it holds them until complete"),
  privoxy(
    "all filters",
    "the same with every filter, on every type",
    `+force-text-mode +prevent-compression ${FILTERS}`,
  ),
  privoxy("no filters", "as it is without actions", ""),
];

const TINYPROXIES = [
  tinyproxy("default", "as it is", 600),
  tinyproxy("8 s timeout", "times out after 8 s of silence", 8),
];

/** Networks made of real programs. */
export const REAL_NETWORKS: HostileNetwork[] = [
  ...NGINXES,
  ...HAPROXIES,
  ...APACHES,
  ...VARNISHES,
  ...CADDIES,
  ...SQUIDS,
  ...PRIVOXIES,
  ...TINYPROXIES,
];

function nginx(name: string, does: string, ...configuration: [location: string, http?: string]): HostileNetwork {
  const start: HostileNetwork["start"] = ({ url }) => startNginx(url, ...configuration);
  return { name: `nginx: ${name}`, does, program: NGINX, start };
}

type Lines = [timeoutSeconds: number, ...lines: string[]];

function haproxy(name: string, does: string, ...lines: Lines): HostileNetwork {
  const start: HostileNetwork["start"] = ({ url }) => startHaproxy(url, ...lines);
  return { name: `HAProxy: ${name}`, does, program: HAPROXY, start };
}

function apache(name: string, does: string, ...lines: Lines): HostileNetwork {
  const start: HostileNetwork["start"] = ({ url }) => startApache(url, ...lines);
  return { name: `Apache: ${name}`, does, program: APACHE, start };
}

function varnish(name: string, does: string, ...lines: [fetched: string, ...parameters: string[]]): HostileNetwork {
  const start: HostileNetwork["start"] = ({ url }) => startVarnish(url, ...lines);
  return { name: `Varnish: ${name}`, does, program: VARNISH, start };
}

function caddy(name: string, does: string, ...lines: string[]): HostileNetwork {
  return { name: `Caddy: ${name}`, does, program: CADDY, start: ({ url }) => startCaddy(url, ...lines) };
}

function squid(name: string, does: string, ...lines: string[]): HostileNetwork {
  return { name: `squid: ${name}`, does, program: SQUID, start: ({ url }) => startSquid(url, ...lines) };
}

function privoxy(name: string, does: string, actions?: string): HostileNetwork {
  return { name: `Privoxy: ${name}`, does, program: PRIVOXY, start: ({ url }) => startPrivoxy(url, actions) };
}

function tinyproxy(name: string, does: string, timeoutSeconds: number): HostileNetwork {
  const start: HostileNetwork["start"] = ({ url }) => startTinyproxy(url, timeoutSeconds);
  return { name: `tinyproxy: ${name}`, does, program: TINYPROXY, start };
}
