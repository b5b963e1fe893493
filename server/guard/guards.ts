/**
 * The rules of a route. The guards read these and never the path, so that no spelling of a path
 * gets around them.
 */
export type Guards = {
  /** Part of the wire contract: answers carry nonces, and pages of listed origins may read them. */
  api?: true;
  /** Refusals are shown as a page. */
  page?: true;
  /**
   * `none`: the session is not read. `optional`: an invalid token or cookie is ignored, since 401
   * would end a browser's EventSource for good. `token`: an invalid token is `no_session`; an
   * invalid cookie is ignored.
   */
  auth: "none" | "optional" | "token";
  /**
   * May the query or the path carry a token? Networks and embeds drop the header and the cookie.
   */
  urlToken?: true;
  /** May a ticket replace the token? Not where the answer contains a token. */
  tickets?: true;
  /**
   * Does the cookie count as the session? Not where another site's page could make the browser send
   * it.
   */
  cookie: "counts" | "never" | "not for scripts";
  /** Is `callback` answered as a script? */
  jsonp?: true;
  /** Changes something, so another site's page must never cause it. */
  mutates?: true;
  /** A body of `text/plain` is a text, and not JSON. */
  plainText?: true;
  /** Answers with `bye` instead of 503, which would end a browser's EventSource for good. */
  saysBye?: true;
  /** May `id`, `text` and `reply` repeat, for several messages? */
  batch?: true;
  /**
   * The limit that each request is charged to before it is handled. A handler that knows the cost
   * charges it itself.
   */
  limit?: "reads";
  /**
   * Answers under any host name: a balancer requests by address, and a page that refuses a wrong
   * host needs its style sheet.
   */
  anyHost?: true;
};
