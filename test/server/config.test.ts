import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { pino } from "pino";
import type { z } from "zod";
import { StartError } from "../../db/start-error.ts";
import type { App } from "../../server/app.ts";
import type { AppSettings } from "../../server/app-settings.ts";
import { type NodeConfig, readEnvironment, readOptions } from "../../server/config.ts";
import { type AppOptions, createApp } from "../../server/index.ts";
import { type AppOptionName, SETTINGS } from "../../server/settings.ts";
import { createDatabase } from "../support/database.ts";

const databaseUrl = "postgres://localhost/chat";

/**
 * Each option with a value other than its default, and the same as the text of its environment
 * variable.
 */
const SPELLED: { [name in AppOptionName]: [value: Options[name], text: string] } = {
  databaseUrl: [databaseUrl, databaseUrl],
  schema: ["tea", "tea"],
  siteName: ["Tea & Talk", "Tea & Talk"],
  siteDescription: ["For tea.\nAnd talk.", "For tea.\\nAnd talk."],
  siteRules: ["Be kind.\nBe brief.", "Be kind.\\nBe brief."],
  language: ["ja", "ja"],
  themeLight: [["accent=#0b57d0", "sheet=#ffffff"], "accent=#0b57d0 sheet=#ffffff"],
  themeDark: [["accent=#9cc0ee"], "accent=#9cc0ee"],
  rooms: [["lobby=ロビー", "tea=Tea room"], "lobby=ロビー、tea=Tea room"],
  timeZone: ["Asia/Tokyo", "Asia/Tokyo"],
  basePath: ["/chat", "/chat"],
  trustProxy: [["loopback", "192.0.2.1"], "loopback, 192.0.2.1"],
  listenUrl: ["postgres://direct/chat", "postgres://direct/chat"],
  busUrl: ["nats://localhost:4222", "nats://localhost:4222"],
  secrets: [["a secret with spaces", "sixteen characters"], "a secret with spaces, sixteen characters"],
  sessionDays: [7, "7"],
  editMinutes: [5, "5"],
  origins: [["https://a.example", "https://b.example"], "https://a.example https://b.example"],
  hosts: [["chat.example.org", "[::1]:3000"], "chat.example.org,[::1]:3000"],
  graceSeconds: [2.5, "2.5"],
  poolMax: [4, "4"],
  readersMax: [5, "5"],
  roomMembers: [6, "6"],
  roomsMax: [7, "7"],
  newRooms: ["nobody", "nobody"],
  historyDays: [365, "365"],
  tickMs: [0, "0"],
  shares: [["203.0.113.0/24=10", "2001:db8::/32=20"], "203.0.113.0/24=10, 2001:db8::/32=20"],
  operatorSecret: ["sixteen characters", "sixteen characters"],
  metricsToken: ["sixteen characters", "sixteen characters"],
  webhooks: [["https://a.example/hook#message"], "https://a.example/hook#message"],
  webhookSecret: ["twenty-four characters or more", "twenty-four characters or more"],
  authUrl: ["https://a.example/auth#identify", "https://a.example/auth#identify"],
  authSecret: ["twenty-four characters or more", "twenty-four characters or more"],
  authCookies: [["sid", "user"], "sid user"],
  authSeconds: [5, "5"],
  authGraceSeconds: [0, "0"],
  jwtSecret: ["thirty-two characters or a few more", "thirty-two characters or a few more"],
  jwksUrl: ["https://a.example/jwks.json", "https://a.example/jwks.json"],
  jwtIssuer: ["https://a.example", "https://a.example"],
  jwtAudience: ["chat", "chat"],
  jwtCookie: ["jwt", "jwt"],
  reservedNames: [["Acme", "アクメ社"], "Acme、アクメ社"],
  limits: [false, "off"],
};

const APP_OPTIONS = Object.entries(SETTINGS).filter(([, { scope }]) => scope === "app");

describe("the settings", () => {
  test.each(Object.entries(SPELLED))("%s means the same as an option and as an environment variable", (name, both) => {
    const [value, text] = both;
    const option = name as AppOptionName;
    const { env } = SETTINGS[option];
    const asOption = readOptions({ databaseUrl, [option]: value });
    expect(asOption).toEqual(readEnvironment({ DATABASE_URL: databaseUrl, [env]: text }));
    expect(asOption).toEqual(readOptions({ databaseUrl }, { [env]: text }));
    expect(asOption[option]).not.toEqual(readEnvironment({})[option]);
  });

  test("are all spelled out above", () => {
    expect(Object.keys(SPELLED).sort()).toEqual(APP_OPTIONS.map(([name]) => name).sort());
  });

  test("have a default in the environment if they are empty there", () => {
    const empty = Object.fromEntries(Object.values(SETTINGS).map(({ env }) => [env, ""]));
    expect(readEnvironment(empty)).toEqual(readEnvironment({}));
  });

  test.each([" ", "\t\r\n", "\u3000"])("have a default in the environment if they are only spaces: %j", (spaces) => {
    const blank = Object.fromEntries(Object.values(SETTINGS).map(({ env }) => [env, spaces]));
    expect(readEnvironment(blank)).toEqual(readEnvironment({}));
  });

  test("have no spaces around them in the environment, as a file with other line ends would leave", () => {
    const read = readEnvironment({ DATABASE_URL: `${databaseUrl}\r`, PORT: " 8080", LOG_LEVEL: "warn\r" });
    expect(read).toEqual(readEnvironment({ DATABASE_URL: databaseUrl, PORT: "8080", LOG_LEVEL: "warn" }));
  });

  test.each(["0x10", "1e3", "+5", "0b1", "1_000", "٥", "5 min", "Infinity", "1,5"])(
    "take no number like %s",
    (written) => {
      expect(() => readEnvironment({ CHATTERA_EDIT_MINUTES: written })).toThrow(
        "CHATTERA_EDIT_MINUTES: must be a whole",
      );
      expect(() => readEnvironment({ CHATTERA_BEAT_MS: written })).toThrow("CHATTERA_BEAT_MS: must be a number");
    },
  );

  test("have the time zone UTC where the system names none", () => {
    const program = `
      import { readEnvironment } from "./server/config.ts";
      console.log(readEnvironment({}).timeZone);`;
    const zoneWith = (TZ: string) =>
      spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
        env: { PATH: process.env.PATH, TZ },
        encoding: "utf8",
      }).stdout;
    expect(["", "Asia/Tokyo"].map(zoneWith)).toEqual(["UTC\n", "Asia/Tokyo\n"]);
  }, 60_000);

  test("keep a short grace from ending within a long poll", () => {
    expect(readOptions({ databaseUrl, graceSeconds: 1 }).seenMs).toBeGreaterThan(readOptions({ databaseUrl }).seenMs);
  });

  test("are written with option, environment variable, type, default and unit in the docs", () => {
    const page = readFileSync("docs/configuration.md", "utf8");
    expect(page).toContain("| `CHATTERA_SESSION_DAYS` | `sessionDays` | `number` | `30` | days |");
    expect(page).toContain("| `CHATTERA_LIMITS` | `limits` | `boolean` | `true`, `on` |");
    expect(page).toContain("| `WORKERS` |  | `number` | `1` | processes |");
  });
});

describe("invalid options", () => {
  test.each([
    [{ sessionDays: 0 }, "sessionDays: must be a whole number from 1 to 3650"],
    [{ sessionDays: "30" }, "sessionDays: must be a whole number from 1 to 3650"],
    [{ limits: "off" }, "limits: must be true or false"],
    [{ trustProxy: "loopback" }, "trustProxy: must be a list of strings"],
    [{ trustProxy: ["everybody"] }, 'trustProxy: "everybody" is not an address'],
    [{ basePath: 3 }, "basePath: must be a string"],
    [{ basepath: "/chat" }, "basepath: createApp has no such option"],
    [{ port: 3000 }, "port: createApp has no such option"],
    [{ databaseUrl: undefined }, "database: createApp requires a PostgreSQL"],
    [{ database: 42 }, "database: must be a URL, the settings of a pool, { embedded: folder }"],
    [{ database: ["postgres://a.example"] }, "database: must be a URL"],
    [{ database: { embedded: false } }, "database: must be a URL"],
    [{ database: { embedded: "" } }, "database: must be a URL"],
    [{ identify: "user" }, "identify: must be a function"],
    [{ authorize: { read: true } }, "authorize: must be a function"],
    [{ database: null }, "database: must be a URL"],
    [{ logger: console }, "logger: must be a logger of pino's"],
    [{ logger: true }, "logger: must be a logger of pino's"],
    [{ settings: { TRUST_PROXY: ["loopback"] } }, 'TRUST_PROXY: in "settings" it must be a string'],
    [{ shares: ["office=10"] }, 'shares: "office=10" is not a network and its factor'],
    [{ operatorSecret: " ".repeat(20) }, "operatorSecret: must be 16 characters or more"],
    [{ secrets: [" ".repeat(20)] }, "secrets: each secret must be 16 characters or more"],
    [{ authSecret: " ".repeat(30) }, "authSecret: must be 24 characters or more"],
    [{ webhookSecret: " ".repeat(30) }, "webhookSecret: must be 24 characters or more"],
    [{ jwtSecret: " ".repeat(40) }, "jwtSecret: must be 32 characters or more"],
    [{ authSecret: `whsec_${"!".repeat(30)}` }, "authSecret: must be base64 of 16 bytes or more after whsec_"],
    [{ webhookSecret: "whsec_dG9vIHNob3J0AAAA AAAA" }, "webhookSecret: must be base64 of 16 bytes"],
    [{ webhooks: ["ftp://user:pass@a.example"] }, 'webhooks: "…@a.example" is not an address'],
    [{ origins: ["https://user:pass@a.example"] }, 'origins: "…@a.example" is not an origin'],
  ])("%j is explained in one sentence", async (options, sentence) => {
    const opened = createApp({ databaseUrl, ...options } as unknown as AppOptions);
    await expect(opened).rejects.toThrow(StartError);
    await expect(opened).rejects.toThrow(sentence);
    await expect(opened).rejects.not.toThrow(/; /);
  });

  test.each([undefined, null, databaseUrl])("other than an object are explained in one sentence: %j", async (given) => {
    const opened = createApp(given as unknown as AppOptions);
    await expect(opened).rejects.toThrow(StartError);
    await expect(opened).rejects.toThrow('createApp requires options, like { database: "postgres://…" }');
  });

  test("that are for the command only are refused together with the others", async () => {
    const options = { workers: 2, logLevel: "info", sessionDays: 0 } as AppSettings;
    await expect(createApp({ databaseUrl, ...options })).rejects.toThrow(
      /^workers, logLevel: createApp has no such option; sessionDays: must be [^;]*$/,
    );
  });

  test("are named together, each as it was spelled", async () => {
    const options = { sessionDays: 0, settings: { CHATTERA_GRACE_SECONDS: "0", CHATTERA_SESSION_DAYS: "1" } };
    await expect(createApp({ databaseUrl, ...options })).rejects.toThrow(
      /^sessionDays: must be .*; CHATTERA_GRACE_SECONDS: must be a number from 1 to 3600$/,
    );
  });
});

describe("the former option `settings`", () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let lines: { level: number; msg: string }[];
  const logger = pino({ level: "warn" }, { write: (line: string) => lines.push(JSON.parse(line)) });

  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  const open = async ({ settings, logger, ...options }: Former): Promise<NodeConfig> => {
    lines = [];
    const app = await createApp({ databaseUrl: database.url, settings, logger, ...options });
    await app.close();
    return readOptions({ databaseUrl: database.url, ...options }, settings);
  };

  test("still works, and one warning names the options to use instead", async () => {
    const settings = { BASE_PATH: "/chat", CHATTERA_LIMITS: "off", PORT: "4000" };
    const config = await open({ settings, logger });
    expect(config).toMatchObject({ basePath: "/chat", limits: false });
    const warnings = lines.filter(({ msg }) => msg.includes("deprecated"));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.msg).toMatch(
      /use basePath instead of BASE_PATH, limits instead of CHATTERA_LIMITS; PORT has no/,
    );
  });

  test("is overridden by an option of the same setting", async () => {
    expect(await open({ settings: { BASE_PATH: "/old" }, basePath: "/new", logger })).toMatchObject({
      basePath: "/new",
    });
  });

  test("is warned of by Node if there is no logger", async () => {
    const emitWarning = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    await open({ settings: { CHATTERA_LIMITS: "off" } });
    const calls = emitWarning.mock.calls.map(([warning]) => String(warning));
    emitWarning.mockRestore();
    expect(calls.filter((warning) => warning.includes("limits instead of CHATTERA_LIMITS"))).toHaveLength(1);
  });

  test("is not warned of where it is not used", async () => {
    const config = await open({ limits: false, logger });
    expect(config.limits).toBe(false);
    expect(lines.filter(({ msg }) => msg.includes("deprecated"))).toEqual([]);
  });
});

test("only the command line reads settings from the environment of the process", () => {
  const files = ["server", "db"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
  );
  const readers = files
    .filter((name) => name.endsWith(".ts"))
    .filter((name) => /process\.env\b(?!`)/.test(readFileSync(name, "utf8")));
  expect(readers).toEqual(["server/process/commands.ts"]);
});

test("a wrong option does not compile, and neither does an assignment to a site", () => {
  // `npm run types` tests these lines: without the error that is expected, the directive is one.
  const wrong = [
    // @ts-expect-error There is no such option.
    () => createApp({ databaseUrl, basepath: "/chat" }),
    // @ts-expect-error A string is no number.
    () => createApp({ databaseUrl, sessionDays: "30" }),
    // @ts-expect-error The database is required.
    () => createApp({ basePath: "/chat" }),
    // @ts-expect-error The port is not for an app.
    () => createApp({ databaseUrl, port: 3000 }),
    // @ts-expect-error The node is not the host's to use.
    ({ site }: App) => site,
  ];
  expect(wrong).toHaveLength(5);
});

type Options = AppSettings & { databaseUrl?: string };
type Former = AppSettings & Pick<AppOptions, "settings" | "logger">;
type Given<Options> = { [name in keyof Options]: Exclude<Options[name], undefined> };
type FromTable = Given<{ [name in Exclude<AppOptionName, "databaseUrl">]: z.input<(typeof SETTINGS)[name]["schema"]> }>;
type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;

test("the generated type of the options is the table's", () => {
  const isSame: Same<Given<Required<AppSettings>>, FromTable> = true;
  expect(isSame).toBe(true);
});
