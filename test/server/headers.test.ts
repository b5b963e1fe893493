import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { siteRoutes } from "../../server/app.ts";
import { openSite, person, say, type TestPerson, type TestSite } from "../support/app.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";
import { until } from "../support/until.ts";
import { open } from "../support/visit.ts";

/** The kinds of answers in docs/protocol.md. */
type Kind =
  | "document"
  | "growing document"
  | "JSON"
  | "poll"
  | "script"
  | "listed script"
  | "stream"
  | "asset"
  | "embed script"
  | "picture"
  | "text"
  | "file"
  | "preflight";

const LISTED = "https://friend.example";

let testSite: TestSite;
/** As `npm start` runs it. */
let site: SiteProcess;
/** The same with an origin and a host of its own, and with limits. */
let listing: SiteProcess;
let ann: TestPerson;
let cursor: string;
let assets: string[];

beforeAll(async () => {
  testSite = await openSite();
  [site, listing] = await Promise.all([
    startSite(testSite.databaseUrl),
    startSite(testSite.databaseUrl, {
      CHATTERA_ORIGINS: LISTED,
      CHATTERA_HOSTS: "127.0.0.1",
      CHATTERA_LIMITS: "on",
    }),
  ]);
  const headers = { "content-type": "application/json" };
  const hidden = JSON.stringify({ slug: "hidden", public: false });
  await fetch(`${site.url}/api/rooms`, { method: "POST", headers, body: hidden });
  ann = await person(site.url, "Ann");
  ({ cursor } = await say(site.url, ann, "premise"));
  // A poll from before it is answered at once.
  await say(site.url, ann, "news");
  const page = await (await fetch(site.url)).text();
  assets = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1] as string);
}, 30_000);

afterAll(async () => {
  await endSites();
  await testSite.close();
});

/**
 * The head of an answer: its status, its lines, and its length in bytes with the empty line at its
 * end.
 */
type Head = { status: number; lines: [name: string, value: string][]; bytes: number };

/** One connection, written byte by byte. */
class Line {
  readonly #socket;
  #received = "";

  constructor(url: string) {
    this.#socket = connect(Number(new URL(url).port), "127.0.0.1");
    this.#socket.setEncoding("latin1").on("data", (text) => {
      this.#received += text;
    });
    this.#socket.on("error", () => undefined);
  }

  send(bytes: string): void {
    this.#socket.write(bytes);
  }

  /** The head of the next answer, whose body is skipped. */
  async head(): Promise<Head> {
    const end = await until("a head", () => this.#received.indexOf("\r\n\r\n") + 1);
    const text = this.#received.slice(0, end - 1);
    const [first = "", ...rest] = text.split("\r\n");
    const lines = rest.map((line): [string, string] => [line.replace(/: .*/, ""), line.replace(/^.*?: /, "")]);
    const length = Number(lines.find(([name]) => /^content-length$/i.test(name))?.[1] ?? 0);
    const bytes = text.length + 4;
    await until("the body", () => this.#received.length >= bytes + length);
    this.#received = this.#received.slice(bytes + length);
    return { status: Number(first.split(" ")[1]), lines, bytes };
  }

  close(): void {
    this.#socket.destroy();
  }
}

type Lines = { [name: string]: string };

function requestOf(target: string, headers: Lines = {}, method = "GET"): string {
  const lines = Object.entries({ Host: "127.0.0.1", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

function post(target: string, fields: Lines, headers: Lines = {}): string {
  const body = JSON.stringify(fields);
  const typed = { "Content-Type": "application/json", "Content-Length": String(body.length), ...headers };
  return requestOf(target, typed, "POST") + body;
}

async function headOf(url: string, request: string): Promise<Head> {
  const line = new Line(url);
  line.send(request);
  return line.head().finally(() => line.close());
}

/** A row of the table in docs/protocol.md; `value` where the table has it. */
type Rule = { name: string; value: string | undefined; on: string; why: string };

const RULES: Rule[] = rules();

function rules(): Rule[] {
  const text = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const section = text.slice(text.indexOf("\n## Headers of the answers\n")).split("\n## ")[1] ?? "";
  return [...section.matchAll(/^\| `([^`:]+)(?:: ([^`]+))?` \| (.+?) \| (.*?) ?\|$/gm)].map(
    ([, name = "", value, on = "", why = ""]) => ({ name, value, on, why }),
  );
}

function isOn(rule: Rule, kind: Kind): boolean {
  const [which = "", except = ""] = rule.on.split(" except ");
  return which === "all" ? !except.split(", ").includes(kind) : which.split(", ").includes(kind);
}

/**
 * Returns the headers of a kind of answer according to the docs, with the lines in `more`, which
 * they must list too.
 */
function expectedOf(kind: Kind, more: string[] = [], less: string[] = []): string[] {
  expect(RULES.map(textOf)).toEqual(expect.arrayContaining(more));
  const ofKind = RULES.filter((rule) => isOn(rule, kind) && !less.includes(rule.name));
  return [...ofKind.map(textOf), ...more].sort();
}

function textOf({ name, value }: Rule): string {
  return value === undefined ? name : `${name}: ${value}`;
}

/**
 * The lines of a head as the docs name them: with their value if the docs have one for that name.
 */
function found({ lines }: Head): string[] {
  const valued = new Set(RULES.filter(({ value }) => value !== undefined).map(({ name }) => name.toLowerCase()));
  const names = new Map(RULES.map(({ name }) => [name.toLowerCase(), name]));
  return lines
    .map(([name, value]) => [names.get(name.toLowerCase()) ?? name, value])
    .map(([name = "", value]) => (valued.has(name.toLowerCase()) ? `${name}: ${value}` : name))
    .sort();
}

const KEPT = "Keep-Alive: timeout=75";
const CHUNKED = "Transfer-Encoding: chunked";
const UNBUFFERED = "X-Accel-Buffering: no";
const BY_LANGUAGE = "Vary: Accept-Language, Cookie";
const HTML = { Accept: "text/html" };
const PREFLIGHT = { Origin: LISTED, "Access-Control-Request-Method": "POST" };

type Row = [what: string, kind: Kind, status: number, request: () => string, more: string[], less?: string[]];

const ROWS: Row[] = [
  ["the lobby", "document", 200, () => requestOf("/", HTML), [KEPT, BY_LANGUAGE, "Set-Cookie"]],
  ["a room", "document", 200, () => requestOf("/rooms/lobby", HTML), [KEPT, BY_LANGUAGE, "Set-Cookie"]],
  ["a live page", "document", 200, () => requestOf("/rooms/lobby/live;refresh=10"), [KEPT, BY_LANGUAGE, "Set-Cookie"]],
  [
    "a room by link only",
    "document",
    200,
    () => requestOf("/rooms/hidden", HTML),
    [KEPT, BY_LANGUAGE, "Set-Cookie", "X-Robots-Tag: noindex"],
  ],
  ["the doctor's page", "document", 200, () => requestOf("/doctor", HTML), [KEPT]],
  ["a room that is not there", "document", 404, () => requestOf("/rooms/nowhere", HTML), [KEPT, "Set-Cookie"]],
  ["a path that is not there, to a person", "document", 404, () => requestOf("/nowhere", HTML), [KEPT]],
  ["a page by a wrong method", "document", 405, () => requestOf("/doctor", HTML, "PUT"), [KEPT, "Allow"]],
  ["a refusal of a frame", "document", 404, () => requestOf("/api/frame;room=nowhere;callback=f"), [KEPT]],
  ["another spelling of a page", "document", 308, () => requestOf("/ROOMS/lobby", HTML), [KEPT, "Location"]],
  ["a choice", "document", 303, () => requestOf("/;language=ja", HTML), [KEPT, "Location", "Set-Cookie"]],
  ["the same, to a program", "document", 303, () => requestOf("/;language=ja"), [KEPT, "Location", "Set-Cookie"]],
  [
    "a live page that grows",
    "growing document",
    200,
    () => requestOf(`/rooms/lobby/live;after=${cursor}`, HTML),
    ["Vary: Cookie", "Set-Cookie"],
  ],
  ["its head", "growing document", 200, () => requestOf("/rooms/lobby/live", HTML, "HEAD"), []],
  ["a frame", "growing document", 200, () => requestOf("/api/frame;room=lobby;callback=f"), [CHUNKED]],
  ["the doctor's frame", "growing document", 200, () => requestOf("/api/doctor/stream;as=html"), [KEPT, CHUNKED]],

  ["the rooms", "JSON", 200, () => requestOf("/api/rooms"), [KEPT]],
  ["a session", "JSON", 201, () => post("/api/session", { nickname: "Bob" }), [KEPT, "Set-Cookie"]],
  ["a receipt", "JSON", 201, () => post("/api/rooms/lobby/messages", message()), [KEPT]],
  ["a receipt by GET", "JSON", 201, () => requestOf(`/api/rooms/lobby/say;${params(message())}`), [KEPT]],
  ["history", "JSON", 200, () => requestOf("/api/rooms/lobby/messages"), [KEPT]],
  ["the doctor's echo", "poll", 200, () => requestOf("/api/doctor/echo"), [KEPT]],
  ["a sign of life", "JSON", 200, () => requestOf("/api/here;stream=none-of-ours"), []],
  ["the manifest", "JSON", 200, () => requestOf("/manifest.webmanifest"), [KEPT, "Vary: Accept-Language"]],
  ["health", "JSON", 200, () => requestOf("/healthz"), [KEPT]],
  ["readiness", "JSON", 200, () => requestOf("/readyz"), [KEPT]],
  ["a room that is not there, to a program", "JSON", 404, () => requestOf("/api/rooms/nowhere"), [KEPT]],
  ["a path that is not there, to a program", "JSON", 404, () => requestOf("/nowhere"), [KEPT]],
  ["an asset that is not there", "JSON", 404, () => requestOf("/assets/main-00000000.js"), [KEPT]],
  ["no session", "JSON", 401, () => post("/api/rooms/lobby/enter", {}), [KEPT]],
  [
    "another site's page",
    "JSON",
    403,
    () => requestOf("/api/poll;callback=f", { Origin: "https://evil.example" }),
    [KEPT],
  ],
  ["a wrong method", "JSON", 405, () => requestOf("/api/rooms", {}, "PUT"), [KEPT, "Allow"]],
  ["bytes that are no request", "JSON", 400, () => "nonsense\r\n\r\n", []],
  ["a head of 17 KB", "JSON", 431, () => requestOf("/", { X: "x".repeat(17_000) }), []],
  ["no Host", "JSON", 400, () => "GET / HTTP/1.1\r\n\r\n", []],

  ["a poll", "poll", 200, () => requestOf("/api/poll;room=lobby;wait=0;n=1"), [KEPT]],
  ["a poll by POST", "poll", 200, () => post("/api/poll", { room: "lobby", wait: "0" }), [KEPT]],
  ["a poll that is the last of its connection", "poll", 200, () => requestOf("/api/poll;room=lobby;wait=0;once=1"), []],
  ["a poll as a script", "script", 200, () => requestOf("/api/poll;room=lobby;wait=0;callback=f"), [KEPT, UNBUFFERED]],
  ["a room as a script", "script", 200, () => requestOf("/api/rooms/lobby;callback=f"), [KEPT]],
  ["a refusal as a script", "script", 200, () => requestOf("/api/rooms/nowhere;callback=f;status=200"), [KEPT]],

  ["an event stream", "stream", 200, () => requestOf("/api/events;room=lobby"), [CHUNKED]],
  ["its head alone", "stream", 200, () => requestOf("/api/events;room=lobby", {}, "HEAD"), [KEPT]],
  ["a byte stream", "stream", 200, () => requestOf("/api/stream;room=lobby"), [CHUNKED]],
  ["the doctor's stream", "stream", 200, () => requestOf("/api/doctor/stream"), [KEPT, CHUNKED]],

  ["a script of the site", "asset", 200, () => asset(".js"), [KEPT, "Vary: Accept-Encoding", "Last-Modified"]],
  ["a style", "asset", 200, () => asset(".css"), [KEPT, "Vary: Accept-Encoding", "Last-Modified"]],
  [
    "the script of embeds",
    "embed script",
    200,
    () => requestOf("/embed.js"),
    [KEPT, "Vary: Accept-Encoding", "Last-Modified"],
  ],
  ["the description of the API", "JSON", 200, () => requestOf("/api/openapi.json"), [KEPT]],
  ["the icon", "asset", 200, () => asset(".svg"), [KEPT, "Vary: Accept-Encoding", "Last-Modified"]],
  [
    "a script of the site, compressed",
    "asset",
    200,
    () => asset(".js", { "Accept-Encoding": "gzip" }),
    [KEPT, "Vary: Accept-Encoding", "Last-Modified", "Content-Encoding"],
  ],
  [
    "the sign of a live page",
    "picture",
    200,
    () => requestOf(`/rooms/lobby/live/sign;page=p;at=${Date.now()}`),
    [KEPT, "Set-Cookie"],
  ],
  ["the icon by its old name", "picture", 200, () => requestOf("/favicon.ico"), [KEPT, "Last-Modified"]],
  ["robots.txt", "text", 200, () => requestOf("/robots.txt"), [KEPT]],
  ["the log as a text file", "file", 200, () => requestOf("/rooms/lobby/log.txt"), [KEPT, CHUNKED]],
  ["metrics", "text", 200, () => requestOf("/metrics"), [KEPT]],
  ["the methods of a path", "text", 200, () => requestOf("/api/rooms", {}, "OPTIONS"), [KEPT, "Allow"]],
];

const BY_ORIGIN = "Vary: Origin";
const LISTED_READS = [BY_ORIGIN, "Access-Control-Allow-Origin"];
const FOR_SOME_TIME = [KEPT, ...LISTED_READS, "Retry-After", "Access-Control-Expose-Headers: Retry-After"];
const CONSENT = [
  "Access-Control-Allow-Methods: GET, POST",
  "Access-Control-Allow-Headers",
  "Access-Control-Max-Age: 7200",
];

const LISTING_ROWS: Row[] = [
  [
    "a preflight",
    "preflight",
    204,
    () => requestOf("/api/poll", PREFLIGHT, "OPTIONS"),
    [KEPT, ...LISTED_READS, ...CONSENT],
  ],
  [
    "a poll of the site's own page",
    "poll",
    200,
    () => requestOf("/api/poll;room=lobby;wait=0", OWN),
    [KEPT, BY_ORIGIN],
  ],
  ["a poll", "poll", 200, () => requestOf("/api/poll;room=lobby;wait=0", { Origin: LISTED }), [KEPT, ...LISTED_READS]],
  [
    "a poll as a script",
    "listed script",
    200,
    () => requestOf("/api/poll;room=lobby;wait=0;callback=f", { Referer: `${LISTED}/page` }),
    [KEPT, UNBUFFERED, BY_ORIGIN],
  ],
  ["a refused page", "document", 404, () => requestOf("/nowhere", HTML), [KEPT, BY_ORIGIN], ["X-Frame-Options"]],
  [
    "a Durable Stream",
    "JSON",
    200,
    () => requestOf("/api/rooms/lobby/durable?offset=now", { Origin: LISTED }),
    [
      KEPT,
      ...LISTED_READS,
      "Access-Control-Expose-Headers: Stream-Next-Offset, Stream-Cursor, Stream-Up-To-Date",
      "Stream-Cursor",
      "Stream-Next-Offset",
      "Stream-Up-To-Date: true",
    ],
  ],
  ["another host", "JSON", 421, () => requestOf("/api/rooms", { Host: "evil.example" }), [KEPT, BY_ORIGIN]],
  [
    "another host and spelling",
    "JSON",
    421,
    () => requestOf("/ROOMS/lobby", { Host: "evil.example" }),
    [KEPT, BY_ORIGIN],
  ],
];

const OWN = { "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty" };

let messages = 0;

function message(): Lines {
  messages += 1;
  return { id: `headers-${messages}`, text: "hello", token: ann.token };
}

function params(fields: Lines): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join(";");
}

function asset(extension: string, headers: Lines = {}): string {
  return requestOf(assets.find((path) => path.endsWith(extension)) as string, headers);
}

/**
 * The heads of two polls on one connection: the first takes the whole road, the second the fast
 * path.
 */
async function bothRoads(url: string, headers: Lines = {}): Promise<[whole: Head, kept: Head]> {
  const line = new Line(url);
  try {
    line.send(requestOf(`/api/poll;room=lobby;after=${cursor};n=1;wait=25`, headers));
    const whole = await line.head();
    line.send(requestOf(`/api/poll;room=lobby;after=${cursor};n=2;wait=25`, headers));
    return [whole, await line.head()];
  } finally {
    line.close();
  }
}

describe("an answer carries the headers that docs/protocol.md lists for its kind, and no others", () => {
  test("its premise: the table is read, and has a reason in each row", () => {
    expect(RULES.map(textOf)).toEqual(expect.arrayContaining(["X-Content-Type-Options: nosniff", "Last-Modified"]));
    expect(RULES.filter(({ why }) => why === "")).toEqual([]);
  });

  test("its premise: each header of the table is on one of the answers below", () => {
    const rows = [...ROWS, ...LISTING_ROWS].flatMap(([, kind, , , more, less]) => expectedOf(kind, more, less));
    expect(new Set([...rows, ...FOR_SOME_TIME])).toEqual(new Set(RULES.map(textOf)));
  });

  test.each(ROWS)("%s (%s, %d)", async (...[, kind, status, request, more, less = []]) => {
    const head = await headOf(site.url, request());
    expect([head.status, ...found(head)]).toEqual([status, ...expectedOf(kind, more, less)]);
  });

  test.each(LISTING_ROWS)(
    "where an origin is listed: %s (%s, %d)",
    async (...[, kind, status, request, more, less = []]) => {
      const head = await headOf(listing.url, request());
      expect([head.status, ...found(head)]).toEqual([status, ...expectedOf(kind, more, less)]);
    },
  );

  test("where an origin is listed: a refusal for some time (JSON, 429)", async () => {
    const refused = await until("too many trips were tried", async () => {
      const head = await headOf(listing.url, post("/api/session", { nickname: "Eve#12345678" }, { Origin: LISTED }));
      return head.status === 429 ? head : undefined;
    });
    expect(found(refused)).toEqual(expectedOf("JSON", FOR_SOME_TIME));
  });

  test("a poll on the fast path (poll, 200)", async () => {
    const [whole, kept] = await bothRoads(site.url);
    expect(found(whole)).toEqual(expectedOf("poll", [KEPT]));
    expect(found(kept)).toEqual(expectedOf("poll"));
  });

  test("the policy of pages", async () => {
    const { lines } = await headOf(site.url, requestOf("/rooms/lobby", HTML));
    expect(new Map(lines).get("Content-Security-Policy")).toBe(
      "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;connect-src 'self';" +
        "manifest-src 'self';frame-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'self'",
    );
  });

  test("whatever a route answers: HTML as a document, and nothing else", async () => {
    const ofDocuments = RULES.filter(({ on }) => on === "document, growing document").map(({ name }) => name);
    expect(ofDocuments).toContain("Content-Security-Policy");
    const { app, url } = testSite.nodes[0] as TestSite["nodes"][0];
    const at = { port: Number(new URL(url).port) };
    for (const { method, path } of siteRoutes(app.site))
      for (const pattern of [path].flat())
        for (const accept of ["text/html", "*/*"]) {
          const target = pattern.replace("{/after=:after}", "").replace(":room", "lobby").replace(":refresh", "10");
          const query = "?room=lobby&wait=0&callback=f&language=ja";
          // A poll of a room would be held if it named no time.
          const plain = pattern.endsWith("/since") ? `${target}?wait=0` : target;
          for (const asked of [plain, target + query]) {
            const response = await open(at, asked, { method, headers: { accept } });
            response.destroy();
            const { headers } = response;
            const isHtml = headers["content-type"]?.startsWith("text/html");
            const carried = ofDocuments.filter((name) => name.toLowerCase() in headers);
            expect([method, asked, carried]).toEqual([method, asked, isHtml ? ofDocuments : []]);
          }
        }
  }, 60_000);
});

/** The headers that Chromium sends with the page's polls. */
const CHROMIUM = {
  Connection: "keep-alive",
  "sec-ch-ua-platform": '"Linux"',
  "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  Accept: "*/*",
  "Sec-Fetch-Site": "same-origin",
  "Sec-Fetch-Mode": "cors",
  "Sec-Fetch-Dest": "empty",
  "Accept-Encoding": "gzip, deflate, br, zstd",
  "Accept-Language": "en-US,en;q=0.9",
};

describe("the head of a poll's answer has at most 330 bytes, on the whole road and on the fast path", () => {
  test.each([
    ["the page's", () => site.url, CHROMIUM],
    ["the npm client's", () => site.url, { Accept: "*/*", "Sec-Fetch-Mode": "cors", "User-Agent": "node" }],
    ["the page's, where an origin is listed", () => listing.url, CHROMIUM],
  ])("%s", async (_, url, headers) => {
    const [whole, kept] = await bothRoads(url(), headers);
    // Keep-Alive marks answers that Node wrote itself.
    expect([names(whole).includes("keep-alive"), names(kept).includes("keep-alive")]).toEqual([true, false]);
    expect(Math.max(whole.bytes, kept.bytes)).toBeLessThanOrEqual(330);
  });

  const names = (head: Head) => head.lines.map(([name]) => name.toLowerCase());
});
