/**
 * The rules of a route. The guards read these and never the path, so that no spelling of a path
 * gets around them.
 */
export type Guards = {
  /** Part of the wire contract: carries nonces, and a page of a listed origin may read it. */
  api?: true;
  /** Refusals are shown as a page. */
  page?: true;
  /**
   * `none`: no session is looked for. `optional`: an invalid token or cookie is ignored, since 401
   * would end a browser's EventSource for good. `token`: an invalid token is `no_session`; an
   * invalid cookie is ignored.
   */
  auth: "none" | "optional" | "token";
  /**
   * May a token stand in the query or the path? Networks and embeds lose the header and the cookie.
   */
  urlToken?: true;
  /** May a ticket replace the token? Not where the answer holds a token. */
  tickets?: true;
  /**
   * Does the cookie count as the session? Not where a page of another site could have the browser
   * send it.
   */
  cookie: "counts" | "never" | "not for scripts";
  /** Is `callback` answered as a script? */
  jsonp?: true;
  /** Changes something, so another site's page can never cause it. */
  mutates?: true;
  /**
   * The limit that each request is charged to before it is handled. A handler that knows the cost
   * better charges itself.
   */
  limit?: "reads";
  /**
   * Answers any host name: a balancer asks by address, and a page that refuses a wrong host needs
   * its style.
   */
  anyHost?: true;
};
