import proxyAddr from "proxy-addr";
import { z } from "zod";
import { POLL_WAIT_MAX_SECONDS, SEEN_MS } from "../protocol/limits.ts";
import { type NamedNetwork, parseShares } from "./guard/shares.ts";
import { type Hosts, readHost } from "./guard/source.ts";
import { listOf, numberWithin, wholeNumber } from "./read-setting.ts";

const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** Every setting with its default and the reason for it. `npm run docs` writes docs/configuration.md from this. */
const SETTINGS = {
  HOST: z.string().default("").describe("Address to listen on; empty: all, IPv4 and IPv6."),
  PORT: wholeNumber(0, 65535).default(3000).describe("Port to listen on; 0 takes a free one."),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must begin with postgres://")
    .optional()
    .describe("A PostgreSQL server, version 14 or later. Unset: an embedded one under `DATA_DIR`."),
  DATA_DIR: z
    .string()
    .optional()
    .describe(
      "Folder of the embedded PostgreSQL; as root `/var/lib/chattera`, else `./data`. Unused with `DATABASE_URL`.",
    ),
  CHATTERA_PG_UID: wholeNumber(1)
    .optional()
    .describe("As root: the user that the embedded PostgreSQL runs as; 65534 (nobody), which others may share."),
  CHATTERA_PG_GID: wholeNumber(1).optional().describe("The same for its group."),
  BASE_PATH: z
    .string()
    .default("")
    .transform((path) => path.replace(/\/+$/, ""))
    .refine((path) => path === "" || /^(\/[\w.~-]+)+$/.test(path), "must look like /chat")
    .describe("Path under which the whole site is served, for example `/chat`. A proxy may strip it or pass it on."),
  TRUST_PROXY: listOf(isProxy, "an address, a CIDR, loopback, linklocal or uniquelocal").describe(
    "Proxies whose `X-Forwarded-*` headers are trusted: addresses, CIDRs, `loopback`, `uniquelocal`. None by default.",
  ),
  WORKERS: wholeNumber(1, 64).default(1).describe("Processes that share the port. Each is a node of its own."),
  LOG_LEVEL: z
    .enum(LEVELS, `must be one of ${LEVELS.join(", ")}`)
    .default("info")
    .describe("Logs JSON lines to stdout. Requests are logged at `debug`."),
  CHATTERA_LISTEN_URL: z
    .string()
    .optional()
    .describe("The database itself, for LISTEN, when `DATABASE_URL` leads through a PgBouncer in transaction mode."),
  BUS_URL: z
    .string()
    .regex(/^(nats|tls):\/\/./, "must begin with nats:// or tls://")
    // Check here: the error of a later parser would contain the whole URL with its password, and would be logged.
    .refine((url) => URL.canParse(url) && new URL(url).hostname !== "", "must look like nats://host:4222")
    .optional()
    .describe(
      "A NATS server through which nodes wake each other, `nats://user:password@host:4222`, the same for all nodes. Unset: " +
        "PostgreSQL's LISTEN/NOTIFY, which is enough for a few nodes.",
    ),
  CHATTERA_SECRET: z
    .string()
    .transform((secrets) => secrets.split(",").map((secret) => secret.trim()))
    .refine(
      (secrets) => secrets.length > 0 && secrets.every((secret) => secret.length >= 16),
      "each secret must be 16 characters or more",
    )
    .optional()
    .describe(
      "Signs sessions: `new,old`, 16 characters or more each. The first signs and all are accepted, so that a " +
        "secret can be changed without ending a session. Unset: generated at the first start and kept in the database.",
    ),
  CHATTERA_SESSION_DAYS: wholeNumber(1, 3650)
    .default(30)
    .describe("Days after which an unused session ends. Using it renews it."),
  CHATTERA_ORIGINS: listOf(isOrigin, "an origin like https://example.org")
    .transform((origins) => origins.map((origin) => new URL(origin).origin))
    .describe(
      "Other sites' origins, like `https://example.org`, whose pages may use the API with a token (CORS), by script " +
        "(JSONP) and show the site in a frame; none by default.",
    ),
  CHATTERA_HOSTS: listOf(
    (host) => readHost(host) !== undefined,
    "a host name like chat.example.org or chat.example.org:8080",
  ).describe(
    "The site's own host names, each with or without a port. Requests for any other are refused, so that no page can " +
      "reach the site under a name of its own (DNS rebinding). Empty: any name.",
  ),
  CHATTERA_GRACE_SECONDS: numberWithin(1, 3600)
    .default(30)
    .describe(
      "A member that is not seen for this long leaves the room. SignalR and BOSH wait 30 s; a phone's tunnel is shorter.",
    ),
  CHATTERA_POOL: wholeNumber(2, 100)
    .default(10)
    .describe("Database connections per process; one more listens, for all workers."),
  CHATTERA_READERS: wholeNumber(1)
    .default(10_000)
    .describe(
      "Places for connections that receive events, per process; 7 KiB each: 70 MB. When all are taken, the address that " +
        "holds most loses one to a newcomer. One address holds at most a quarter.",
    ),
  CHATTERA_CONNECTIONS: wholeNumber(1)
    .default(1200)
    .describe(
      "Connections of one address (of IPv6 of one /64), per process, times its `CHATTERA_SHARES`; above that its oldest " +
        "idle one is closed first. A /48 has ten times as many; no address has more than half of what the limit of open " +
        "files allows. An office of 200 people with 6 connections each has 1200. Proxies in `TRUST_PROXY` " +
        "are exempt.",
    ),
  CHATTERA_ROOM_MEMBERS: wholeNumber(1)
    .default(2_000)
    .describe(
      "Members that a room holds; more people can still read. Each is a row that is written every 10 s, and nobody can " +
        "follow the messages of more. One address (of IPv6 one /64) has at most a quarter of them, times its " +
        "`CHATTERA_SHARES`: 500 by default, enough for an office of 200 people. In a full room, the network with most " +
        "members loses one to a newcomer.",
    ),
  CHATTERA_ROOMS: wholeNumber(1)
    .default(10_000)
    .describe(
      "Rooms of the whole site. At this number nobody can make another. A room that is unused for a day is removed.",
    ),
  CHATTERA_KEEP_DAYS: wholeNumber(1).optional().describe("Days after which messages are deleted. Unset: all are kept."),
  CHATTERA_BEAT_MS: numberWithin(0, 1000)
    .default(45)
    .describe(
      "The longest time in ms that a busy room's messages and their receipts wait for a common delivery. In a quiet room " +
        "nothing waits. A shorter time costs CPU: each reader is written to once per tick.",
    ),
  CHATTERA_SHARES: z
    .string()
    .default("")
    .superRefine((list, context) => {
      const problem = problemOf(list);
      if (problem !== undefined) context.addIssue(problem);
    })
    .describe(
      "Networks that get a larger share of every limit per address, `203.0.113.0/24=10, 2001:db8::/32=20`: each of their " +
        "addresses counts as that many. One address's share is enough for an office of 200 people.",
    ),
  CHATTERA_METRICS_TOKEN: z
    .string()
    .min(16, "must be 16 characters or more")
    .optional()
    .describe(
      "Opens `/metrics` to a Prometheus on another machine, which sends it as `Authorization: Bearer …`. Unset: only " +
        "programs on this machine may read it, and not through a proxy.",
    ),
  CHATTERA_RESERVED_NAMES: z
    .string()
    .default("")
    .transform((list) => list.split(/[,、，]/).filter((name) => name.trim() !== ""))
    .describe(
      "More names that nobody may use as a nickname or for a room, separated by commas, for example `Acme,アクメ`. Names that look " +
        "like one of them are reserved too. Staff titles and the site's own words always are.",
    ),
  CHATTERA_LIMITS: z
    .enum(["on", "off"], "must be on or off")
    .default("on")
    .describe("Rate limits; `off` for benchmarks."),
} as const;

const ENVIRONMENT = z.object(SETTINGS);

/** The settings by their outside names, each checked and with its default. */
export type Environment = z.infer<typeof ENVIRONMENT>;

/** The settings of an app, by their names in the code. */
export type Config = {
  basePath: string;
  trustProxy: string[];
  listenUrl: string | undefined;
  busUrl: string | undefined;
  secrets: string[] | undefined;
  sessionDays: number;
  origins: string[];
  hosts: Hosts;
  graceSeconds: number;
  /** A connection counts as a sign of life for this long after its client last sent something. */
  seenMs: number;
  poolMax: number;
  readersMax: number;
  beatMs: number;
  roomMembers: number;
  roomsMax: number;
  keepDays: number | undefined;
  reservedNames: string[];
  metricsToken: string | undefined;
  shares: NamedNetwork[];
  hasLimits: boolean;
};

/** The longest poll and the way to the next one: within this the grace must not end, however short it is. */
const POLL_APART_MS = (POLL_WAIT_MAX_SECONDS + 10) * 1000;

/** Reads the environment. Throws one Error that names every invalid setting, and why it is invalid. */
export function readEnvironment(env: { [name: string]: string | undefined }): Environment {
  // An empty variable counts as unset: compose files and systemd units write them so.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const read = ENVIRONMENT.safeParse(given);
  if (read.success) return read.data;
  throw new Error(read.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "));
}

/** Returns the part of the environment that an app uses; the defaults for `{}`. */
export function configOf(environment: Environment): Config {
  return {
    basePath: environment.BASE_PATH,
    trustProxy: environment.TRUST_PROXY,
    listenUrl: environment.CHATTERA_LISTEN_URL,
    busUrl: environment.BUS_URL,
    secrets: environment.CHATTERA_SECRET,
    sessionDays: environment.CHATTERA_SESSION_DAYS,
    origins: environment.CHATTERA_ORIGINS,
    hosts: environment.CHATTERA_HOSTS.map((host) => readHost(host) as Hosts[number]),
    graceSeconds: environment.CHATTERA_GRACE_SECONDS,
    seenMs: Math.max(SEEN_MS, POLL_APART_MS - environment.CHATTERA_GRACE_SECONDS * 1000),
    poolMax: environment.CHATTERA_POOL,
    readersMax: environment.CHATTERA_READERS,
    beatMs: environment.CHATTERA_BEAT_MS,
    roomMembers: environment.CHATTERA_ROOM_MEMBERS,
    roomsMax: environment.CHATTERA_ROOMS,
    keepDays: environment.CHATTERA_KEEP_DAYS,
    reservedNames: environment.CHATTERA_RESERVED_NAMES,
    metricsToken: environment.CHATTERA_METRICS_TOKEN,
    shares: parseShares(environment.CHATTERA_SHARES),
    hasLimits: environment.CHATTERA_LIMITS === "on",
  };
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

/** Returns the sentence that says which entry of a list of shares cannot be read. */
function problemOf(list: string): string | undefined {
  try {
    parseShares(list);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Name, default and reason of every setting, for docs/configuration.md and `chattera serve --help`. */
export function describeSettings(): { name: string; default: string; description: string }[] {
  const defaults: { [name: string]: unknown } = ENVIRONMENT.parse({});
  return Object.entries(SETTINGS).map(([name, setting]) => ({
    name,
    default: String(defaults[name] ?? ""),
    description: setting.description ?? "",
  }));
}
