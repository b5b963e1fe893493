import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { BrowserContextOptions } from "playwright-core";
import { Builder, Capabilities, type WebDriver } from "selenium-webdriver";
import { programsOf } from "../engines.ts";
import { freePort } from "../free-port.ts";
import { until } from "../until.ts";

/** A running display, on which WebKit's windows are shown. */
export type Display = { name: string; close(): Promise<void> };

/** One browser with cookies and storage of its own. */
export type WebKitSession = { driver: WebDriver; close(): Promise<void> };

const [DRIVER = "", BROWSER = "", XVFB = "", LOCALEDEF = ""] = programsOf("WebKit") ?? [];

/** Starts a display in memory. */
export async function startDisplay(): Promise<Display> {
  const args = ["-displayfd", "3", "-screen", "0", "1920x1200x24", "-nolisten", "tcp"];
  const child = spawn(XVFB, args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const [number] = (await once(child.stdio[3] as Readable, "data")) as [Buffer];
  return { name: `:${String(number).trim()}`, close: () => end(child) };
}

/** Starts a session, and another one if the first does not start. */
export async function startSession(display: Display, options: BrowserContextOptions): Promise<WebKitSession> {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const session = await tryToStart(display, options);
    if (session !== undefined) return session;
  }
  throw new Error("WebKit did not start");
}

const START_MS = 15_000;

/**
 * Starts WebKitGTK's MiniBrowser, and WebKitWebDriver, which serves one session at a time. It does
 * not wait for pages to load: a page without script may never be complete.
 */
async function tryToStart(display: Display, options: BrowserContextOptions): Promise<WebKitSession | undefined> {
  const home = mkdtempSync(join(tmpdir(), "chattera-webkit-"));
  // Otherwise the tool bar makes a window at least 447 px wide.
  mkdirSync(join(home, "gtk-3.0"));
  writeFileSync(join(home, "gtk-3.0", "gtk.css"), "* { min-width: 0; padding: 0; margin: 0 } entry { font-size: 1px }");
  const port = await freePort();
  const child = spawn(DRIVER, ["-p", String(port)], { stdio: "ignore", env: environment(display, home, options) });
  const server = `http://127.0.0.1:${port}`;
  await until("WebKitWebDriver answers", () => fetch(`${server}/status`).catch(() => undefined), 20_000);
  const building = new Builder().usingServer(server).withCapabilities(capabilities(options)).build();
  const driver = await Promise.race([building, sleep(START_MS, undefined, { ref: false })]);
  const close = async () => {
    await driver?.quit().catch(() => undefined);
    await end(child);
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  if (driver !== undefined) return { driver, close };
  building.catch(() => undefined);
  await close();
  return undefined;
}

function environment(display: Display, home: string, { locale, colorScheme, timezoneId }: BrowserContextOptions) {
  const timeZone = timezoneId ?? process.env.TZ;
  return {
    PATH: process.env.PATH,
    HOME: home,
    XDG_CONFIG_HOME: home,
    XDG_RUNTIME_DIR: home,
    DISPLAY: display.name,
    GTK_THEME: colorScheme === "dark" ? "Adwaita:dark" : "Adwaita",
    NO_AT_BRIDGE: "1",
    ...(timeZone !== undefined && { TZ: timeZone }),
    ...languageOf(locale ?? "en-US"),
  };
}

function capabilities({ javaScriptEnabled, userAgent }: BrowserContextOptions): Capabilities {
  const args = ["--automation"];
  if (javaScriptEnabled === false) args.push("--enable-javascript=false");
  if (userAgent !== undefined) args.push(`--user-agent=${userAgent}`);
  return new Capabilities({
    browserName: "MiniBrowser",
    pageLoadStrategy: "none",
    unhandledPromptBehavior: "accept",
    "webkitgtk:browserOptions": { binary: BROWSER, args },
  });
}

/**
 * Returns the variables that set the language of pages. A locale must exist, and a fresh Debian has
 * none.
 */
function languageOf(locale: string): { LANG: string; LOCPATH: string } {
  const folder = join(tmpdir(), `chattera-locales-${process.getuid?.() ?? ""}`);
  const name = locale.replace("-", "_");
  const made = join(folder, `${name}.UTF-8`);
  if (!existsSync(made)) {
    mkdirSync(folder, { recursive: true });
    const unfinished = mkdtempSync(join(folder, "unfinished-"));
    execFileSync(LOCALEDEF, ["-i", name, "-f", "UTF-8", join(unfinished, "locale")]);
    // Another process may have made the same one.
    if (!existsSync(made)) renameSync(join(unfinished, "locale"), made);
    rmSync(unfinished, { recursive: true });
  }
  return { LANG: `${name}.UTF-8`, LOCPATH: folder };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
