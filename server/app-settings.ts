// Written by `npm run docs` from server/settings.ts: change it there.

/** The settings among the options of `createApp`. */
export type AppSettings = {
  /**
   * Time zone of the times and days on pages from the server, by its IANA name, for example
   * `Asia/Tokyo`. A script shows the reader's own. Unset: the server's, which is UTC in most
   * containers.
   *
   * Environment: CHATTERA_TIME_ZONE.
   */
  timeZone?: string | undefined;
  /**
   * Schema of the database that has chattera's tables. It is made if it is missing. A database may
   * hold several sites, each in a schema of its own, and other programs' tables.
   *
   * Default: chattera. Environment: CHATTERA_SCHEMA.
   */
  schema?: string | undefined;
  /**
   * Name of the site, on its pages, in their titles and in what messengers show of a link.
   *
   * Default: chattera. Environment: CHATTERA_NAME.
   */
  siteName?: string | undefined;
  /**
   * A sentence about the site, below its name. Unset: one about chattera, in the visitor's
   * language.
   *
   * Environment: CHATTERA_DESCRIPTION.
   */
  siteDescription?: string | undefined;
  /**
   * The rules of the site, or a word of welcome, shown in the lobby as text with links. In an
   * environment variable, `\n` begins a new line.
   *
   * Environment: CHATTERA_RULES.
   */
  siteRules?: string | undefined;
  /**
   * Language of the pages for visitors whose browser prefers neither Japanese nor English: `ja` or
   * `en`.
   *
   * Default: en. Environment: CHATTERA_LANGUAGE.
   */
  language?: string | undefined;
  /**
   * Colors of the pages by day, any of `paper` (the page), `sheet` (log and cards), `ink` (text)
   * and `accent` (buttons and links), like `accent=#0b57d0 paper=#eef2f7`. All others follow from
   * them. Colors in which a text would have a contrast below 4.5 : 1 end the start.
   *
   * Environment: CHATTERA_THEME_LIGHT.
   */
  themeLight?: string[] | undefined;
  /**
   * The same for browsers that ask for dark pages, like `accent=#9cc0ee`. The page for old browsers
   * has neither.
   *
   * Environment: CHATTERA_THEME_DARK.
   */
  themeDark?: string[] | undefined;
  /**
   * Rooms that the site always has, for example `lobby=ロビー, tea=Tea room`: a name and a title each.
   * They are made at the start if they are missing and are never removed. A room has this title
   * until somebody gives it another one in its settings. The room `lobby` always exists.
   *
   * Environment: CHATTERA_ROOMS.
   */
  rooms?: string[] | undefined;
  /**
   * Path under which the whole site is served, for example `/chat`. A proxy may strip it or pass it
   * on. An app that koa-mount mounts needs none.
   *
   * Environment: BASE_PATH.
   */
  basePath?: string | undefined;
  /**
   * Proxies whose `X-Forwarded-*` headers are trusted: addresses, CIDRs, `loopback`, `linklocal`,
   * `uniquelocal`. None by default.
   *
   * Environment: TRUST_PROXY.
   */
  trustProxy?: string[] | undefined;
  /**
   * The database itself, for LISTEN, if `DATABASE_URL` leads through a PgBouncer in transaction
   * mode.
   *
   * Environment: CHATTERA_LISTEN_URL.
   */
  listenUrl?: string | undefined;
  /**
   * A NATS server through which nodes wake each other, `nats://user:password@host:4222`, the same
   * for all nodes. Unset: PostgreSQL's LISTEN/NOTIFY, which is enough for a few nodes.
   *
   * Environment: BUS_URL.
   */
  busUrl?: string | undefined;
  /**
   * Secrets that sign sessions, 16 characters or more each, the new one first. The first signs and
   * all are accepted, so a secret can be changed without ending a session. Unset: generated at the
   * first start and kept in the database.
   *
   * Environment: CHATTERA_SECRET.
   */
  secrets?: string[] | undefined;
  /**
   * Time after which an unused session ends. Using it renews it.
   *
   * Unit: days. Default: 30. Environment: CHATTERA_SESSION_DAYS.
   */
  sessionDays?: number | undefined;
  /**
   * Time in which people can edit and erase their own messages. 0: never.
   *
   * Unit: minutes. Default: 15. Environment: CHATTERA_EDIT_MINUTES.
   */
  editMinutes?: number | undefined;
  /**
   * Other sites' origins, like `https://example.org`, whose pages may use the API with a token
   * (CORS) or by script (JSONP), and show the site in a frame. None by default.
   *
   * Environment: CHATTERA_ORIGINS.
   */
  origins?: string[] | undefined;
  /**
   * The site's own host names, each with or without a port. Requests for any other are refused, so
   * that no page can reach the site under a name of its own (DNS rebinding). Empty: any name.
   *
   * Environment: CHATTERA_HOSTS.
   */
  hosts?: string[] | undefined;
  /**
   * Time without a sign of life after which a member leaves the room. 30 s outlasts most tunnels.
   *
   * Unit: seconds. Default: 30. Environment: CHATTERA_GRACE_SECONDS.
   */
  graceSeconds?: number | undefined;
  /**
   * Database connections per process. One more listens, for all workers.
   *
   * Unit: connections. Default: 10. Environment: CHATTERA_POOL.
   */
  poolMax?: number | undefined;
  /**
   * Places for connections that receive events, per process, of 7 KiB each: 70 MB. When all are
   * taken, the address that holds most loses one to a newcomer. One address holds at most a
   * quarter.
   *
   * Unit: connections. Default: 10000. Environment: CHATTERA_READERS.
   */
  readersMax?: number | undefined;
  /**
   * Members that a room holds; more people can still read. Each is a row that is written every 10
   * s, and nobody can follow the messages of more. One address (of IPv6 one /64) has at most a
   * quarter of them, times its `CHATTERA_SHARES`: 500 by default, enough for an office of 200
   * people. In a full room, the network with most members loses one to a newcomer.
   *
   * Unit: members. Default: 2000. Environment: CHATTERA_ROOM_MEMBERS.
   */
  roomMembers?: number | undefined;
  /**
   * Rooms of the whole site. At this number nobody can make another. A room that is unused for a
   * day is removed.
   *
   * Unit: rooms. Default: 10000. Environment: CHATTERA_ROOMS_MAX.
   */
  roomsMax?: number | undefined;
  /**
   * The people who may make rooms: `anyone`, `operators`, or `nobody`. Rooms that exist stay, and
   * so do those of `CHATTERA_ROOMS`.
   *
   * Default: anyone. Environment: CHATTERA_NEW_ROOMS.
   */
  newRooms?: string | undefined;
  /**
   * Age at which messages are deleted. Unset: all are kept.
   *
   * Unit: days. Environment: CHATTERA_KEEP_DAYS.
   */
  historyDays?: number | undefined;
  /**
   * The longest time that a busy room's messages and their receipts wait for a common delivery. In
   * a quiet room nothing waits. A shorter time costs CPU: each reader is written to once per tick.
   *
   * Unit: milliseconds. Default: 45. Environment: CHATTERA_BEAT_MS.
   */
  tickMs?: number | undefined;
  /**
   * Networks that get a larger share of every limit per address, like `203.0.113.0/24=10` and
   * `2001:db8::/32=20`: each of their addresses counts as that many. One address's share is enough
   * for an office of 200 people.
   *
   * Environment: CHATTERA_SHARES.
   */
  shares?: string[] | undefined;
  /**
   * Signs operators in at `/operate`. Another secret ends their sign-ins. Unset: only the one-time
   * links of `chattera operator link` do.
   *
   * Environment: CHATTERA_OPERATOR_SECRET.
   */
  operatorSecret?: string | undefined;
  /**
   * Opens `/metrics` to a Prometheus on another machine, which sends it as `Authorization: Bearer
   * …`. Unset: only programs on this machine may read it, and not through a proxy.
   *
   * Environment: CHATTERA_METRICS_TOKEN.
   */
  metricsToken?: string | undefined;
  /**
   * Addresses that get each event of every room by POST, signed as [Standard
   * Webhooks](https://www.standardwebhooks.com) says. A list after `#` chooses the kinds, like
   * `https://example.org/hook#message+notice`.
   *
   * Environment: CHATTERA_WEBHOOKS.
   */
  webhooks?: string[] | undefined;
  /**
   * Secret that signs webhooks: `whsec_` and base64, or any other text of 24 characters or more.
   *
   * Environment: CHATTERA_WEBHOOK_SECRET.
   */
  webhookSecret?: string | undefined;
  /**
   * An address of your app that says by POST which user of yours sends a request, and who may do
   * what; see [host.md](host.md#in-any-language). `#identify` or `#authorize` after it asks that
   * question only.
   *
   * Environment: CHATTERA_AUTH_URL.
   */
  authUrl?: string | undefined;
  /**
   * Secret that signs the questions to `CHATTERA_AUTH_URL` as [Standard
   * Webhooks](https://www.standardwebhooks.com) says: `whsec_` and base64, or any other text of 24
   * characters or more. Required with `CHATTERA_AUTH_URL`.
   *
   * Environment: CHATTERA_AUTH_SECRET.
   */
  authSecret?: string | undefined;
  /**
   * Names of the cookies that `CHATTERA_AUTH_URL` gets. Name yours, since answers are kept by the
   * cookies that were sent. Empty: all except chattera's own.
   *
   * Environment: CHATTERA_AUTH_COOKIES.
   */
  authCookies?: string[] | undefined;
  /**
   * How long an answer of `CHATTERA_AUTH_URL` holds that has no `seconds`. Open streams are checked
   * again after this time, also by `identify`, `authorize` and JWTs.
   *
   * Unit: seconds. Default: 30. Environment: CHATTERA_AUTH_SECONDS.
   */
  authSeconds?: number | undefined;
  /**
   * While `CHATTERA_AUTH_URL` does not answer, the answers before count for this much longer.
   * Requests about which nothing is known are refused (503).
   *
   * Unit: seconds. Default: 300. Environment: CHATTERA_AUTH_GRACE_SECONDS.
   */
  authGraceSeconds?: number | undefined;
  /**
   * Secret with which your app signs JWTs (HS256, HS384 or HS512) that say who a user is; see
   * [host.md](host.md#jwt).
   *
   * Environment: CHATTERA_JWT_SECRET.
   */
  jwtSecret?: string | undefined;
  /**
   * Address of the public keys (JWKS) that verify such JWTs, instead of a secret.
   *
   * Environment: CHATTERA_JWT_JWKS_URL.
   */
  jwksUrl?: string | undefined;
  /**
   * The `iss` that a JWT must have. Unset: any.
   *
   * Environment: CHATTERA_JWT_ISSUER.
   */
  jwtIssuer?: string | undefined;
  /**
   * The `aud` that a JWT must have. Set it if other apps get tokens of the same issuer. Unset: any.
   *
   * Environment: CHATTERA_JWT_AUDIENCE.
   */
  jwtAudience?: string | undefined;
  /**
   * The cookie that has the JWT of a person whose browser opens a page. Unset: bearer tokens only.
   *
   * Environment: CHATTERA_JWT_COOKIE.
   */
  jwtCookie?: string | undefined;
  /**
   * More names that nobody may use as a nickname or for a room, for example `Acme,アクメ`. Names that
   * look like one of them are reserved too. Staff titles and the site's own words always are.
   *
   * Environment: CHATTERA_RESERVED_NAMES.
   */
  reservedNames?: string[] | undefined;
  /**
   * Rate limits. Switch them off for tests and benchmarks only.
   *
   * Default: true. Environment: CHATTERA_LIMITS.
   */
  limits?: boolean | undefined;
};
