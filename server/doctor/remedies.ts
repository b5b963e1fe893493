import type { DoctorFault } from "../../protocol/doctor.ts";

/** The cure for faults of one kind: lines of configuration for each program. */
export type Remedy = { name: string; cures: DoctorFault[]; programs: { name: string; lines: string }[] };

/**
 * Returns the remedies for faults, in the order of this file. Some faults have no remedy in a
 * proxy's configuration.
 */
export function remediesFor(faults: DoctorFault[]): Remedy[] {
  return REMEDIES.filter(({ cures }) => cures.some((fault) => faults.includes(fault)));
}

/**
 * A few lines for the operator of the proxy at fault. Complete files are in `deploy/`. The site
 * runs at 127.0.0.1:3000 and is called chat.example.
 */
export const REMEDIES: Remedy[] = [
  {
    name: "streams",
    cures: ["held", "held_event_stream", "late", "slow", "compressed"],
    programs: [
      {
        name: "nginx",
        lines: `location / {
  proxy_pass http://127.0.0.1:3000;
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_buffering off;
  proxy_cache off;
  gzip off;
  # and no "proxy_ignore_headers X-Accel-Buffering"
}`,
      },
      {
        name: "HAProxy",
        lines: `backend chattera
  option http-no-delay
  # and neither "compression algo" nor "option http-buffer-request"
  server site 127.0.0.1:3000`,
      },
      {
        name: "Apache",
        lines: `ProxyPass "/" "http://127.0.0.1:3000/" flushpackets=on
SetEnv no-gzip 1`,
      },
      {
        name: "Caddy",
        lines: `reverse_proxy 127.0.0.1:3000
# and no "encode" that matches /api/*`,
      },
      {
        name: "Varnish",
        lines: `sub vcl_recv {
  if (req.url ~ "/api/|/live") { return (pass); }
}
sub vcl_backend_response {
  if (beresp.uncacheable) { set beresp.do_stream = true; }
}`,
      },
      {
        name: "Squid",
        lines: `acl chattera dstdomain chat.example
cache deny chattera
# where answers are scanned (ICAP), with the name of the service:
# adaptation_access scanner deny chattera`,
      },
    ],
  },
  {
    name: "patience",
    cures: ["cut", "cut_poll", "lifetime"],
    programs: [
      { name: "nginx", lines: "proxy_read_timeout 120s;\nproxy_send_timeout 120s;\nsend_timeout 120s;" },
      { name: "HAProxy", lines: "defaults\n  timeout client 120s\n  timeout server 120s" },
      { name: "Apache", lines: 'ProxyPass "/" "http://127.0.0.1:3000/" flushpackets=on timeout=120' },
      { name: "Caddy", lines: "{\n  servers {\n    timeouts {\n      write 0s\n    }\n  }\n}" },
      {
        name: "Varnish",
        lines: `# varnishd -p pipe_timeout=120 -p send_timeout=600
backend default {
  .host = "127.0.0.1";
  .port = "3000";
  .first_byte_timeout = 120s;
  .between_bytes_timeout = 120s;
}`,
      },
      { name: "Squid", lines: "read_timeout 15 minutes\nclient_lifetime 1 day" },
    ],
  },
  {
    name: "cache",
    cures: ["cached", "cached_query"],
    programs: [
      { name: "nginx", lines: 'proxy_cache off;\n# and no "proxy_ignore_headers Cache-Control"' },
      { name: "HAProxy", lines: "http-request cache-use store unless { path_beg /api/ }" },
      { name: "Apache", lines: 'CacheDisable "/api"' },
      {
        name: "Varnish",
        lines: `sub vcl_recv {
  if (req.url ~ "/api/|/rooms/|/doctor") { return (pass); }
}`,
      },
      {
        name: "Squid",
        lines: `acl chattera dstdomain chat.example
cache deny chattera
# and no refresh_pattern with ignore-no-store`,
      },
    ],
  },
  {
    name: "address",
    cures: ["query", "path"],
    programs: [
      { name: "nginx", lines: "proxy_pass http://127.0.0.1:3000;   # with nothing behind the port; no rewrite" },
      { name: "HAProxy", lines: "# no http-request set-uri, set-query, replace-uri or normalize-uri in its section" },
      { name: "Apache", lines: 'AllowEncodedSlashes NoDecode\nProxyPass "/" "http://127.0.0.1:3000/" nocanon' },
      { name: "Caddy", lines: "# no uri or rewrite before reverse_proxy" },
      { name: "Varnish", lines: '# no regsub(req.url, "\\?.*", "") in vcl_recv' },
      { name: "Squid", lines: "acl chattera dstdomain chat.example\nurl_rewrite_access deny chattera" },
    ],
  },
  {
    name: "post",
    cures: ["post", "post_json", "post_size"],
    programs: [
      { name: "nginx", lines: "client_max_body_size 64k;\nlimit_except GET POST { deny all; }" },
      { name: "HAProxy", lines: "http-request allow if METH_POST { path_beg /api/ /rooms/ }" },
      { name: "Apache", lines: '<Location "/">\n  LimitRequestBody 65536\n</Location>' },
      { name: "Caddy", lines: "request_body {\n  max_size 64KB\n}" },
      {
        name: "Varnish",
        lines: `sub vcl_recv {
  if (req.method == "POST") { return (pass); }
}`,
      },
      {
        name: "Squid",
        lines: `acl chattera dstdomain chat.example
http_access allow chattera   # before the rule that denies POST
request_body_max_size 64 KB`,
      },
    ],
  },
  {
    name: "length",
    cures: ["url"],
    programs: [
      { name: "nginx", lines: "large_client_header_buffers 4 8k;" },
      { name: "HAProxy", lines: "global\n  tune.bufsize 16384" },
      { name: "Apache", lines: "LimitRequestLine 8190" },
      { name: "Caddy", lines: "{\n  servers {\n    max_header_size 16KB\n  }\n}" },
      { name: "Varnish", lines: "# varnishd -p http_req_hdr_len=8k -p http_req_size=32k" },
      { name: "Squid", lines: "request_header_max_size 64 KB" },
    ],
  },
  {
    name: "headers",
    cures: ["headers", "cookie", "host", "tls"],
    programs: [
      {
        name: "nginx",
        lines: `proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Host $http_host;
proxy_set_header X-Forwarded-Proto $scheme;
# chattera: TRUST_PROXY=loopback`,
      },
      {
        name: "HAProxy",
        lines: `http-request set-header X-Forwarded-For %[src]
http-request set-header X-Forwarded-Host %[req.hdr(host)]
http-request set-header X-Forwarded-Proto http
http-request set-header X-Forwarded-Proto https if { ssl_fc }
# chattera: TRUST_PROXY=loopback`,
      },
      {
        name: "Apache",
        lines: `ProxyPreserveHost On
RequestHeader set X-Forwarded-Proto "expr=%{REQUEST_SCHEME}"
# chattera: TRUST_PROXY=loopback`,
      },
      {
        name: "Caddy",
        lines: `reverse_proxy 127.0.0.1:3000   # sends Host and X-Forwarded-* by itself
# chattera: TRUST_PROXY=loopback`,
      },
      { name: "Varnish", lines: "# no unset req.http.Cookie or req.http.Authorization for /api/ in vcl_recv" },
      {
        name: "Squid",
        lines: `request_header_access Authorization allow all
request_header_access Cookie allow all
request_header_access Accept allow all`,
      },
    ],
  },
];
