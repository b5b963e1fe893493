import proxyAddr from "proxy-addr";
import { z } from "zod";
import { DEFAULT_SCHEMA } from "../db/address.ts";
import { parseShares } from "./guard/shares.ts";
import { readHost } from "./guard/source.ts";
import {
  listOf,
  numberWithin,
  type SPELLINGS,
  secret,
  signingSecret,
  strings,
  text,
  wholeNumber,
} from "./read-setting.ts";
import { type Palette, readPalette } from "./theme.ts";

/**
 * One setting: an option of `createApp`, or of the `chattera` command only, and an environment
 * variable.
 */
export type Setting = {
  env: string;
  /** How the environment variable is written. */
  spelling: keyof typeof SPELLINGS;
  /** Checks the option, and has its default. */
  schema: z.ZodType;
  /**
   * `app`: an option of `createApp`. `process`: concerns the process, so that only the command has
   * it.
   */
  scope: "app" | "process";
  unit?: string;
  doc: string;
};

const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/**
 * Every setting, by the name of its option. `npm run docs` writes docs/configuration.md and
 * server/app-settings.ts from this table.
 */
export const SETTINGS = {
  host: {
    env: "HOST",
    spelling: "text",
    schema: text().default(""),
    scope: "process",
    doc: "Address to listen on. Empty: all addresses, IPv4 and IPv6.",
  },
  port: {
    env: "PORT",
    spelling: "number",
    schema: wholeNumber(0, 65535).default(3000),
    scope: "process",
    doc: "Port to listen on. 0 takes a free one.",
  },
  databaseUrl: {
    env: "DATABASE_URL",
    spelling: "text",
    schema: text()
      .regex(/^postgres(ql)?:\/\//, "must begin with postgres://")
      .optional(),
    scope: "app",
    doc:
      "A PostgreSQL server, version 14 or later, as `postgres://…`. Its schema is migrated at the start. `createApp` " +
      "requires it; without it `chattera serve` starts an embedded PostgreSQL under `DATA_DIR`.",
  },
  dataDir: {
    env: "DATA_DIR",
    spelling: "text",
    schema: text().optional(),
    scope: "process",
    doc:
      "Folder of the embedded PostgreSQL. Unset: `/var/lib/chattera` for root, else `./data`. Unused with " +
      "`DATABASE_URL`.",
  },
  postgresUid: {
    env: "CHATTERA_PG_UID",
    spelling: "number",
    schema: wholeNumber(1).default(65534),
    scope: "process",
    doc:
      "Number of the user that the embedded PostgreSQL runs as if chattera runs as root. 65534 is `nobody`, which other " +
      "services may use as well.",
  },
  postgresGid: {
    env: "CHATTERA_PG_GID",
    spelling: "number",
    schema: wholeNumber(1).optional(),
    scope: "process",
    doc: "Number of that user's group. Unset: the same as `CHATTERA_PG_UID`.",
  },
  timeZone: {
    env: "CHATTERA_TIME_ZONE",
    spelling: "text",
    schema: text().refine(isTimeZone, "must be a time zone like Asia/Tokyo or Europe/Berlin").optional(),
    scope: "app",
    doc:
      "Time zone of the times and days on pages from the server, by its IANA name, for example `Asia/Tokyo`. A script " +
      "shows the reader's own. Unset: the server's, which is UTC in most containers.",
  },
  schema: {
    env: "CHATTERA_SCHEMA",
    spelling: "text",
    schema: text()
      .regex(/^(?!pg_)[a-z_][a-z0-9_]{0,31}$/, "must be 1 to 32 of a-z 0-9 _, not beginning with a digit or pg_")
      .default(DEFAULT_SCHEMA),
    scope: "app",
    doc:
      "Schema of the database that has chattera's tables. It is made if it is missing. A database may hold several sites, " +
      "each in a schema of its own, and other programs' tables.",
  },
  siteName: {
    env: "CHATTERA_NAME",
    spelling: "text",
    schema: text()
      .regex(
        /^(?=.*[^\p{Z}\p{M}])[^\p{C}\p{Zl}\p{Zp}]{1,40}$/u,
        "must be one line of 1 to 40 characters, some of them visible",
      )
      .default("chattera"),
    scope: "app",
    doc: "Name of the site, on its pages, in their titles and in what messengers show of a link.",
  },
  siteDescription: {
    env: "CHATTERA_DESCRIPTION",
    spelling: "lines",
    schema: text().max(300, "must have at most 300 characters").optional(),
    scope: "app",
    doc: "A sentence about the site, below its name. Unset: one about chattera, in the visitor's language.",
  },
  siteRules: {
    env: "CHATTERA_RULES",
    spelling: "lines",
    schema: text().max(4000, "must have at most 4000 characters").optional(),
    scope: "app",
    doc:
      "The rules of the site, or a word of welcome, shown in the lobby as text with links. In an environment variable, " +
      "`\\n` begins a new line.",
  },
  language: {
    env: "CHATTERA_LANGUAGE",
    spelling: "text",
    schema: text()
      .regex(/^(ja|en)$/, "must be ja or en")
      .transform((language) => language as "ja" | "en")
      .default("en"),
    scope: "app",
    doc: "Language of the pages for visitors whose browser prefers neither Japanese nor English: `ja` or `en`.",
  },
  themeLight: {
    env: "CHATTERA_THEME_LIGHT",
    spelling: "list",
    schema: strings()
      .transform((entries, context) => readColors(entries, context, "light"))
      .optional(),
    scope: "app",
    doc:
      "Colors of the pages by day, any of `paper` (the page), `sheet` (log and cards), `ink` (text) and `accent` (buttons " +
      "and links), like `accent=#0b57d0 paper=#eef2f7`. All others follow from them. Colors in which a text would have a " +
      "contrast below 4.5 : 1 end the start.",
  },
  themeDark: {
    env: "CHATTERA_THEME_DARK",
    spelling: "list",
    schema: strings()
      .transform((entries, context) => readColors(entries, context, "dark"))
      .optional(),
    scope: "app",
    doc: "The same for browsers that ask for dark pages, like `accent=#9cc0ee`. The page for old browsers has neither.",
  },
  rooms: {
    env: "CHATTERA_ROOMS",
    spelling: "names",
    schema: strings().transform(withoutEmpty).default([]),
    scope: "app",
    doc:
      "Rooms that the site always has, for example `lobby=ロビー, tea=Tea room`: a name and a title each. They are made at " +
      "the start if they are missing and are never removed. A room has this title until somebody gives it another one " +
      "in its settings. The room `lobby` always exists.",
  },
  basePath: {
    env: "BASE_PATH",
    spelling: "text",
    schema: text()
      .transform((path) => path.replace(/\/+$/, ""))
      .refine((path) => path === "" || /^(\/[\w.~-]+)+$/.test(path), "must look like /chat")
      .default(""),
    scope: "app",
    doc:
      "Path under which the whole site is served, for example `/chat`. A proxy may strip it or pass it on. An app that " +
      "koa-mount mounts needs none.",
  },
  trustProxy: {
    env: "TRUST_PROXY",
    spelling: "list",
    schema: listOf(isProxy, "an address, a CIDR, loopback, linklocal or uniquelocal").default([]),
    scope: "app",
    doc:
      "Proxies whose `X-Forwarded-*` headers are trusted: addresses, CIDRs, `loopback`, `linklocal`, `uniquelocal`. " +
      "None by default.",
  },
  workers: {
    env: "WORKERS",
    spelling: "number",
    schema: wholeNumber(1, 64).default(1),
    scope: "process",
    unit: "processes",
    doc: "Processes that share the port. Each is a node of its own.",
  },
  logLevel: {
    env: "LOG_LEVEL",
    spelling: "text",
    schema: z.enum(LEVELS, `must be one of ${LEVELS.join(", ")}`).default("info"),
    scope: "process",
    doc:
      "Lowest level of the JSON lines that are logged to stdout. Requests are logged at `debug`. `createApp` takes a " +
      "`logger` instead.",
  },
  listenUrl: {
    env: "CHATTERA_LISTEN_URL",
    spelling: "text",
    schema: text()
      .regex(/^postgres(ql)?:\/\//, "must begin with postgres://")
      .optional(),
    scope: "app",
    doc: "The database itself, for LISTEN, if `DATABASE_URL` leads through a PgBouncer in transaction mode.",
  },
  busUrl: {
    env: "BUS_URL",
    spelling: "text",
    schema: text()
      .regex(/^(nats|tls):\/\/./, "must begin with nats:// or tls://")
      // Check here: the error of a later parser would contain the URL with its password, and would
      // be logged.
      .refine((url) => URL.canParse(url) && new URL(url).hostname !== "", "must look like nats://host:4222")
      .optional(),
    scope: "app",
    doc:
      "A NATS server through which nodes wake each other, `nats://user:password@host:4222`, the same for all nodes. " +
      "Unset: PostgreSQL's LISTEN/NOTIFY, which is enough for a few nodes.",
  },
  secrets: {
    env: "CHATTERA_SECRET",
    spelling: "secrets",
    schema: strings()
      .refine(
        (secrets) => secrets.length > 0 && secrets.every((secret) => secret.trim().length >= 16),
        "each secret must be 16 characters or more",
      )
      .optional(),
    scope: "app",
    doc:
      "Secrets that sign sessions, 16 characters or more each, the new one first. The first signs and all are accepted, " +
      "so a secret can be changed without ending a session. Unset: generated at the first start and kept in the database.",
  },
  sessionDays: {
    env: "CHATTERA_SESSION_DAYS",
    spelling: "number",
    schema: wholeNumber(1, 3650).default(30),
    scope: "app",
    unit: "days",
    doc: "Time after which an unused session ends. Using it renews it.",
  },
  editMinutes: {
    env: "CHATTERA_EDIT_MINUTES",
    spelling: "number",
    schema: wholeNumber(0, 1440).default(15),
    scope: "app",
    unit: "minutes",
    doc: "Time in which people can edit and erase their own messages. 0: never.",
  },
  origins: {
    env: "CHATTERA_ORIGINS",
    spelling: "list",
    schema: listOf(isOrigin, "an origin like https://example.org")
      .transform((origins) => origins.map((origin) => new URL(origin).origin))
      .default([]),
    scope: "app",
    doc:
      "Other sites' origins, like `https://example.org`, whose pages may use the API with a token (CORS) or by script " +
      "(JSONP), and show the site in a frame. None by default.",
  },
  hosts: {
    env: "CHATTERA_HOSTS",
    spelling: "list",
    schema: listOf((host) => readHost(host) !== undefined, "a host name like chat.example.org or chat.example.org:8080")
      .transform((hosts) => hosts.map(readHost).filter((host) => host !== undefined))
      .default([]),
    scope: "app",
    doc:
      "The site's own host names, each with or without a port. Requests for any other are refused, so that no page can " +
      "reach the site under a name of its own (DNS rebinding). Empty: any name.",
  },
  graceSeconds: {
    env: "CHATTERA_GRACE_SECONDS",
    spelling: "number",
    schema: numberWithin(1, 3600).default(30),
    scope: "app",
    unit: "seconds",
    doc: "Time without a sign of life after which a member leaves the room. 30 s outlasts most tunnels.",
  },
  poolMax: {
    env: "CHATTERA_POOL",
    spelling: "number",
    schema: wholeNumber(2, 100).default(10),
    scope: "app",
    unit: "connections",
    doc: "Database connections per process. One more listens, for all workers.",
  },
  readersMax: {
    env: "CHATTERA_READERS",
    spelling: "number",
    schema: wholeNumber(1).default(10_000),
    scope: "app",
    unit: "connections",
    doc:
      "Places for connections that receive events, per process, of 7 KiB each: 70 MB. When all are taken, the address " +
      "that holds most loses one to a newcomer. One address holds at most a quarter.",
  },
  connectionsPerAddress: {
    env: "CHATTERA_CONNECTIONS",
    spelling: "number",
    schema: wholeNumber(1).default(1200),
    scope: "process",
    unit: "connections",
    doc:
      "Connections of one address (of IPv6 of one /64), per process, times its `CHATTERA_SHARES`. Above that its oldest " +
      "idle one is closed first. A /48 has ten times as many; no address has more than half of what the limit of open " +
      "files allows. An office of 200 people with 6 connections each has 1200. Proxies in `TRUST_PROXY` are exempt.",
  },
  roomMembers: {
    env: "CHATTERA_ROOM_MEMBERS",
    spelling: "number",
    schema: wholeNumber(1).default(2_000),
    scope: "app",
    unit: "members",
    doc:
      "Members that a room holds; more people can still read. Each is a row that is written every 10 s, and nobody can " +
      "follow the messages of more. One address (of IPv6 one /64) has at most a quarter of them, times its " +
      "`CHATTERA_SHARES`: 500 by default, enough for an office of 200 people. In a full room, the network with most " +
      "members loses one to a newcomer.",
  },
  roomsMax: {
    env: "CHATTERA_ROOMS_MAX",
    spelling: "number",
    schema: wholeNumber(1).default(10_000),
    scope: "app",
    unit: "rooms",
    doc: "Rooms of the whole site. At this number nobody can make another. A room that is unused for a day is removed.",
  },
  newRooms: {
    env: "CHATTERA_NEW_ROOMS",
    spelling: "text",
    schema: text()
      .regex(/^(anyone|operators|nobody)$/, "must be anyone, operators or nobody")
      .transform((people) => people as "anyone" | "operators" | "nobody")
      .default("anyone"),
    scope: "app",
    doc:
      "The people who may make rooms: `anyone`, `operators`, or `nobody`. Rooms that exist stay, and so do those of " +
      "`CHATTERA_ROOMS`.",
  },
  historyDays: {
    env: "CHATTERA_KEEP_DAYS",
    spelling: "number",
    schema: wholeNumber(1).optional(),
    scope: "app",
    unit: "days",
    doc: "Age at which messages are deleted. Unset: all are kept.",
  },
  tickMs: {
    env: "CHATTERA_BEAT_MS",
    spelling: "number",
    schema: numberWithin(0, 1000).default(45),
    scope: "app",
    unit: "milliseconds",
    doc:
      "The longest time that a busy room's messages and their receipts wait for a common delivery. In a quiet room " +
      "nothing waits. A shorter time costs CPU: each reader is written to once per tick.",
  },
  shares: {
    env: "CHATTERA_SHARES",
    spelling: "list",
    schema: strings().transform(readShares).default([]),
    scope: "app",
    doc:
      "Networks that get a larger share of every limit per address, like `203.0.113.0/24=10` and `2001:db8::/32=20`: " +
      "each of their addresses counts as that many. One address's share is enough for an office of 200 people.",
  },
  operatorSecret: {
    env: "CHATTERA_OPERATOR_SECRET",
    spelling: "text",
    schema: secret(16).optional(),
    scope: "app",
    doc:
      "Signs operators in at `/operate`. Another secret ends their sign-ins. Unset: only the one-time links of " +
      "`chattera operator link` do.",
  },
  metricsToken: {
    env: "CHATTERA_METRICS_TOKEN",
    spelling: "text",
    schema: secret(16).optional(),
    scope: "app",
    doc:
      "Opens `/metrics` to a Prometheus on another machine, which sends it as `Authorization: Bearer …`. Unset: only " +
      "programs on this machine may read it, and not through a proxy.",
  },
  webhooks: {
    env: "CHATTERA_WEBHOOKS",
    spelling: "list",
    schema: listOf(
      isWebhook,
      "an address like https://example.org/hook, or with kinds: https://example.org/hook#message",
    )
      .transform((urls) => urls.map(readWebhook))
      .default([]),
    scope: "app",
    doc:
      "Addresses that get each event of every room by POST, signed as [Standard Webhooks](https://www.standardwebhooks.com) " +
      "says. A list after `#` chooses the kinds, like `https://example.org/hook#message+notice`.",
  },
  webhookSecret: {
    env: "CHATTERA_WEBHOOK_SECRET",
    spelling: "text",
    schema: signingSecret().optional(),
    scope: "app",
    doc: "Secret that signs webhooks: `whsec_` and base64, or any other text of 24 characters or more.",
  },
  authUrl: {
    env: "CHATTERA_AUTH_URL",
    spelling: "text",
    schema: text()
      .refine(isAuthUrl, "must be an address like https://example.org/chat-auth, or with one question: …#identify")
      .transform(readAuthUrl)
      .optional(),
    scope: "app",
    doc:
      "An address of your app that says by POST which user of yours sends a request, and who may do what; see " +
      "[host.md](host.md#in-any-language). `#identify` or `#authorize` after it asks that question only.",
  },
  authSecret: {
    env: "CHATTERA_AUTH_SECRET",
    spelling: "text",
    schema: signingSecret().optional(),
    scope: "app",
    doc:
      "Secret that signs the questions to `CHATTERA_AUTH_URL` as [Standard Webhooks](https://www.standardwebhooks.com) " +
      "says: `whsec_` and base64, or any other text of 24 characters or more. Required with `CHATTERA_AUTH_URL`.",
  },
  authCookies: {
    env: "CHATTERA_AUTH_COOKIES",
    spelling: "list",
    schema: listOf((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name), "a cookie's name").default([]),
    scope: "app",
    doc:
      "Names of the cookies that `CHATTERA_AUTH_URL` gets. Name yours, since answers are kept by the cookies that " +
      "were sent. Empty: all except chattera's own.",
  },
  authSeconds: {
    env: "CHATTERA_AUTH_SECONDS",
    spelling: "number",
    schema: wholeNumber(1, 3600).default(30),
    scope: "app",
    unit: "seconds",
    doc:
      "How long an answer of `CHATTERA_AUTH_URL` holds that has no `seconds`. Open streams are checked again after " +
      "this time, also by `identify`, `authorize` and JWTs.",
  },
  authGraceSeconds: {
    env: "CHATTERA_AUTH_GRACE_SECONDS",
    spelling: "number",
    schema: wholeNumber(0, 86_400).default(300),
    scope: "app",
    unit: "seconds",
    doc:
      "While `CHATTERA_AUTH_URL` does not answer, the answers before count for this much longer. Requests about which " +
      "nothing is known are refused (503).",
  },
  jwtSecret: {
    env: "CHATTERA_JWT_SECRET",
    spelling: "text",
    schema: secret(32).optional(),
    scope: "app",
    doc:
      "Secret with which your app signs JWTs (HS256, HS384 or HS512) that say who a user is; see " +
      "[host.md](host.md#jwt).",
  },
  jwksUrl: {
    env: "CHATTERA_JWT_JWKS_URL",
    spelling: "text",
    schema: text().refine(isHttpUrl, "must be an address like https://example.org/.well-known/jwks.json").optional(),
    scope: "app",
    doc: "Address of the public keys (JWKS) that verify such JWTs, instead of a secret.",
  },
  jwtIssuer: {
    env: "CHATTERA_JWT_ISSUER",
    spelling: "text",
    schema: text().optional(),
    scope: "app",
    doc: "The `iss` that a JWT must have. Unset: any.",
  },
  jwtAudience: {
    env: "CHATTERA_JWT_AUDIENCE",
    spelling: "text",
    schema: text().optional(),
    scope: "app",
    doc: "The `aud` that a JWT must have. Set it if other apps get tokens of the same issuer. Unset: any.",
  },
  jwtCookie: {
    env: "CHATTERA_JWT_COOKIE",
    spelling: "text",
    schema: text()
      .regex(/^[\w!#$%&'*+.^`|~-]+$/, "must be a cookie's name")
      .optional(),
    scope: "app",
    doc: "The cookie that has the JWT of a person whose browser opens a page. Unset: bearer tokens only.",
  },
  reservedNames: {
    env: "CHATTERA_RESERVED_NAMES",
    spelling: "names",
    schema: strings().transform(withoutEmpty).default([]),
    scope: "app",
    doc:
      "More names that nobody may use as a nickname or for a room, for example `Acme,アクメ`. Names that look like one of " +
      "them are reserved too. Staff titles and the site's own words always are.",
  },
  limits: {
    env: "CHATTERA_LIMITS",
    spelling: "flag",
    schema: z.boolean("must be true or false").default(true),
    scope: "app",
    doc: "Rate limits. Switch them off for tests and benchmarks only.",
  },
} as const satisfies { [option: string]: Setting };

/** The name of a setting's option. */
export type OptionName = keyof typeof SETTINGS;

/** The name of an option of `createApp`. */
export type AppOptionName = {
  [name in OptionName]: (typeof SETTINGS)[name]["scope"] extends "app" ? name : never;
}[OptionName];

function withoutEmpty(entries: string[]): string[] {
  return entries.map((entry) => entry.trim()).filter((entry) => entry !== "");
}

/** Reads the colors of a scheme. Colors in which a text could not be read become the error. */
function readColors(entries: string[], context: z.RefinementCtx, scheme: "light" | "dark"): Palette | undefined {
  try {
    return readPalette(entries, scheme);
  } catch (error) {
    context.addIssue((error as Error).message);
    return z.NEVER;
  }
}

function isWebhook(text: string): boolean {
  return isHttpUrl(text);
}

/** Reads an address, and the kinds of events after `#`. */
function readWebhook(text: string): { url: string; kinds: ReadonlySet<string> | undefined } {
  const url = new URL(text);
  const kinds = url.hash === "" ? undefined : new Set(url.hash.slice(1).split("+"));
  url.hash = "";
  return { url: url.href, kinds };
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/./.test(text) && URL.canParse(text);
}

/** A question is the fragment of the address. */
function isAuthUrl(text: string): boolean {
  return isHttpUrl(text) && ["", "#identify", "#authorize"].includes(new URL(text).hash);
}

/** Reads the address, and which of the two questions it answers. */
function readAuthUrl(text: string): { url: string; identifies: boolean; authorizes: boolean } {
  const url = new URL(text);
  const { hash } = url;
  url.hash = "";
  return { url: url.href, identifies: hash !== "#authorize", authorizes: hash !== "#identify" };
}

/** Returns whether times can be written in a time zone of this name. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

function isOrigin(text: string): boolean {
  return /^https?:\/\/[^/?#@]+\/?$/i.test(text) && URL.canParse(text);
}

function isProxy(text: string): boolean {
  try {
    proxyAddr.compile([text]);
    return true;
  } catch {
    return false;
  }
}

/** Reads a list of shares. The first entry that cannot be read becomes the error. */
function readShares(entries: string[], context: z.RefinementCtx): ReturnType<typeof parseShares> {
  try {
    return parseShares(entries);
  } catch (error) {
    context.addIssue((error as Error).message);
    return z.NEVER;
  }
}
