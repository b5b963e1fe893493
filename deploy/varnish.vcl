# chattera behind Varnish 7.1 or later: /etc/varnish/default.vcl, `varnishd -C -f /etc/varnish/default.vcl`, reload.
# chattera runs with TRUST_PROXY=loopback, or this machine's address where it runs on another.
# Varnish keeps script and style; all else passes. Every reader takes two threads: raise thread_pool_max (-p, 5000 for
# each of two pools) to twice the readers. For TLS put hitch before it, with --write-proxy-v2 to -a :6081,PROXY.
# Logs of varnishncsa hold tokens, which stand behind ? and ;, unless -F leaves out %r, %q and %U.
vcl 4.1;

import directors;
import proxy;

probe ready {
    # a node that goes says so here a second before it takes no more. While the database is away no node is ready
    # and Varnish answers 503 itself; open streams stay, and pages keep what is written
    .url = "/readyz";
    .interval = 1s;
    .timeout = 3s;
    .window = 1;
    .threshold = 1;
    .initial = 1;
}

# first_byte, between_bytes: a poll may be held for 55 s without a byte, a stream is pinged every 15 s, or 60 s where
# that is asked for. With one node keep one, here and in vcl_init
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
    # any node answers any request
    new nodes = directors.round_robin();
    nodes.add_backend(one);
    nodes.add_backend(two);
}

sub vcl_recv {
    set req.backend_hint = nodes.backend();
    # set and not added to: what a visitor says about himself is not believed. Behind a further proxy let that one speak
    # the PROXY protocol, as hitch does, then client.ip is the visitor here too
    set req.http.X-Forwarded-For = client.ip;
    set req.http.X-Forwarded-Host = req.http.Host;
    set req.http.X-Forwarded-Proto = "http";
    if (proxy.is_ssl()) {
        set req.http.X-Forwarded-Proto = "https";
    }
    # figures about the site, for Prometheus, which asks the nodes themselves; ;x and other cases lead there as well
    # BASE_PATH=/chat: if (req.url ~ "(?i)^/chat/metrics" || req.url !~ "^/chat([/;?]|$)") {
    if (req.url ~ "(?i)^/metrics") {
        return (synth(403));
    }
    # [varnishcache/varnish-cache#3189] or every stream ends after 10 minutes, half-way through an event
    set sess.send_timeout = 1d;
    # BASE_PATH=/chat: if (req.method == "GET" && req.url ~ "^/chat/assets/") {
    if (req.method == "GET" && req.url ~ "^/assets/") {
        # named by their content and the same for all
        unset req.http.Cookie;
        return (hash);
    }
    # not left to the builtin rules: a poll without a cookie would wait for another one's answer
    return (pass);
}

sub vcl_backend_response {
    # what comes is sent on at once, and nothing is compressed; the defaults, unless somebody changed them above
    set beresp.do_stream = true;
    set beresp.do_gzip = false;
    return (deliver);
}

sub vcl_backend_error {
    # a node that has just gone: the other one is asked, but never again what it may have taken, a body above all
    if (bereq.retries == 0) {
        return (retry);
    }
}
