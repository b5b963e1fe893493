# chattera behind Varnish 7.1 or later: copy to /etc/varnish/default.vcl, run `varnishd -C -f
# /etc/varnish/default.vcl`, reload.
# chattera runs with TRUST_PROXY=loopback, or with this machine's address if it runs on another
# machine.
# Varnish caches scripts and styles; everything else passes. Every reader takes two threads: raise
# thread_pool_max (-p, 5000 for each of two pools) to twice the number of readers. For TLS put hitch
# in front, with --write-proxy-v2 to -a :6081,PROXY. Logs of varnishncsa contain tokens, which come
# after ? and ;, unless -F leaves out %r, %q and %U.
vcl 4.1;

import directors;
import proxy;

probe ready {
    # A node that stops reports it here a second before it closes its port. While the database is
    # away, no node is ready and Varnish answers 503 itself. Open streams stay, and pages keep what
    # was written.
    .url = "/readyz";
    .interval = 1s;
    .timeout = 3s;
    .window = 1;
    .threshold = 1;
    .initial = 1;
}

# first_byte, between_bytes: a poll may be held for 55 s without a byte, and a stream gets a ping
# every 15 s, or every 60 s if a client asks for that. With one node, keep one here and in vcl_init.
backend one {
    .host = "127.0.0.1";
    .port = "3000";
    .connect_timeout = 2s;
    .first_byte_timeout = 90s;
    .between_bytes_timeout = 90s;
    .probe = ready;
}

backend two {
    .host = "127.0.0.1";
    .port = "3001";
    .connect_timeout = 2s;
    .first_byte_timeout = 90s;
    .between_bytes_timeout = 90s;
    .probe = ready;
}

sub vcl_init {
    # Any node answers any request.
    new nodes = directors.round_robin();
    nodes.add_backend(one);
    nodes.add_backend(two);
}

sub vcl_recv {
    set req.backend_hint = nodes.backend();
    # Set, not appended to: an address that a visitor claims is not trusted. If another proxy is in
    # front, have it send the PROXY protocol, as hitch does; then client.ip is the visitor here too.
    set req.http.X-Forwarded-For = client.ip;
    set req.http.X-Forwarded-Host = req.http.Host;
    set req.http.X-Forwarded-Proto = "http";
    if (proxy.is_ssl()) {
        set req.http.X-Forwarded-Proto = "https";
    }
    # Metrics are for Prometheus, which asks the nodes directly. Paths with ;x or in another case
    # lead there too.
    # BASE_PATH=/chat: if (req.url ~ "(?i)^/chat/metrics" || req.url !~ "^/chat([/;?]|$)") {
    if (req.url ~ "(?i)^/metrics") {
        return (synth(403));
    }
    # [varnishcache/varnish-cache#3189] Otherwise every stream ends after 10 minutes, in the middle
    # of an event.
    set sess.send_timeout = 1d;
    # BASE_PATH=/chat: if (req.method == "GET" && req.url ~ "^/chat/assets/") {
    if (req.method == "GET" && req.url ~ "^/assets/") {
        # Named by their content and the same for everybody.
        unset req.http.Cookie;
        return (hash);
    }
    # Not left to the built-in rules: a poll without a cookie would wait for another one's answer.
    return (pass);
}

sub vcl_backend_response {
    # Answers are sent on as they come, and nothing is compressed. These are the defaults, unless
    # somebody changed them above.
    set beresp.do_stream = true;
    set beresp.do_gzip = false;
    return (deliver);
}

sub vcl_backend_error {
    # A node that has just gone: the other one is asked, but never for a request that the first may
    # have accepted, above all one with a body.
    if (bereq.retries == 0) {
        return (retry);
    }
}
