import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { test } from "@jest/globals";
import { type CommandFields, connectDevTools, type DevTools } from "./devtools.ts";
import { until } from "./until.ts";

/** A package of its own, so that `npm ci` of the project does not download 68 MB for one test. */
const FOLDER = fileURLToPath(new URL("../browsers/old-chromium", import.meta.url));

/** The versions that its packages contain. */
export type Version = 64 | 72;

/** A page of an old Chromium, and a person in front of it. Cookies and storage are its own. */
export type OldPage = {
  /** Opens an address. Returns when the page is loaded, with its scripts and style sheets. */
  open(url: string): Promise<void>;
  /** Opens a page that does not end. Returns when it has begun to arrive. */
  openEndless(url: string): Promise<void>;
  /** Returns the value of an expression in the page. */
  read<T>(expression: string): Promise<T>;
  /** Waits until an expression is true in the page. */
  has(expression: string): Promise<void>;
  /** Clicks on a field and presses keys; "\r" is Enter. */
  type(selector: string, keys: string): Promise<void>;
  click(selector: string): Promise<void>;
  /** The errors of the page's scripts so far. */
  errors: string[];
};

/** A running Chromium of 2017 or 2018. */
export type OldChromium = {
  /** Opens a window for one more person. */
  visitor(options?: { hasScript?: boolean }): Promise<OldPage>;
  close(): Promise<void>;
};

/**
 * Returns `test` for an old Chromium. It skips, with the reason in the name, without the package.
 */
export function oldChromiumTest(version: Version): typeof test {
  if (isInstalled(version)) return test;
  const help = "npm ci --prefix test/browsers/old-chromium, on Linux on x64";
  if (process.env.TEST_REQUIRE_BROWSER)
    throw new Error(`TEST_REQUIRE_BROWSER is set and Chromium ${version} is missing: ${help}`);
  const skip = (name: string, work: () => void, timeout?: number) =>
    test.skip(`${name} (skipped: no Chromium ${version}; ${help})`, work, timeout);
  return Object.assign(skip, test) as typeof test;
}

function isInstalled(version: Version): boolean {
  return process.platform === "linux" && process.arch === "x64" && existsSync(binOf(version));
}

const binOf = (version: Version) => join(FOLDER, "node_modules", `chromium-${version}`, "bin");

/** Starts Chromium. Returns `undefined` if it is not installed. */
export async function startOldChromium(version: Version): Promise<OldChromium | undefined> {
  if (!isInstalled(version)) return undefined;
  const home = await mkdtemp(join(tmpdir(), "chattera-chromium-"));
  const child = spawn(
    unpack(version),
    ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", `--user-data-dir=${home}`],
    { stdio: ["ignore", "ignore", "pipe"], env: { PATH: process.env.PATH, HOME: home, LANG: "en_US.UTF-8" } },
  );
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const ended = once(child, "exit");
  const address = await until(
    `Chromium ${version} listens`,
    () => (child.exitCode === null ? /listening on (ws:\S+)/.exec(output)?.[1] : undefined),
    20_000,
  ).catch((error: Error) => {
    child.kill("SIGKILL");
    throw new Error(`${error.message}: ${output}`);
  });
  const browser = await connectDevTools(address);
  const pages: DevTools[] = [];
  return {
    visitor: async ({ hasScript = true } = {}) => {
      const { browserContextId } = await browser.send("Target.createBrowserContext");
      const { targetId } = await browser.send("Target.createTarget", { url: "about:blank", browserContextId });
      const devTools = await connectDevTools(new URL(`/devtools/page/${targetId}`, address).href);
      pages.push(devTools);
      return openPage(devTools, hasScript);
    },
    close: async () => {
      for (const page of pages) page.close();
      browser.close();
      child.kill("SIGKILL");
      await ended;
      // Its helper processes end a moment later, and may still write.
      await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** Unpacks the executable alongside its package, once. */
function unpack(version: Version): string {
  const bin = binOf(version);
  const executable = join(bin, "chromium");
  if (existsSync(executable)) return executable;
  const packed = readdirSync(bin).find((name) => name.endsWith(".br")) as string;
  const unfinished = `${executable}-${process.pid}`;
  writeFileSync(unfinished, brotliDecompressSync(readFileSync(join(bin, packed))), { mode: 0o755 });
  renameSync(unfinished, executable);
  return executable;
}

async function openPage(devTools: DevTools, hasScript: boolean): Promise<OldPage> {
  const errors: string[] = [];
  devTools.on("Runtime.exceptionThrown", (params) => errors.push(JSON.stringify(params)));
  await devTools.send("Page.enable");
  await devTools.send("Runtime.enable");
  await devTools.send("Emulation.setScriptExecutionDisabled", { value: !hasScript });

  return { open, openEndless, read, has, type, click, errors };

  async function open(url: string): Promise<void> {
    await openEndless(url);
    await has("document.readyState === 'complete'");
  }

  async function openEndless(url: string): Promise<void> {
    const arrived = new Promise((resolve) => devTools.on("Page.frameNavigated", resolve));
    await devTools.send("Page.navigate", { url });
    await arrived;
  }

  async function read<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await devTools.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
    })) as { result: { value: T }; exceptionDetails?: CommandFields };
    if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return result.value;
  }

  async function has(expression: string): Promise<void> {
    // Between two pages there is nothing to read from.
    const isTrue = () => read<boolean>(expression).catch(() => false);
    await until(`the page has ${expression}`, isTrue, 20_000).catch(async (error: Error) => {
      throw new Error(`${error.message}; it shows\n${await read("document.body.innerText")}`);
    });
  }

  async function type(selector: string, keys: string): Promise<void> {
    await click(selector);
    for (const text of keys)
      if (text === "\r") {
        await devTools.send("Input.dispatchKeyEvent", {
          type: "keyDown",
          windowsVirtualKeyCode: 13,
          key: "Enter",
          text,
        });
        await devTools.send("Input.dispatchKeyEvent", { type: "keyUp", windowsVirtualKeyCode: 13, key: "Enter" });
      } else await devTools.send("Input.dispatchKeyEvent", { type: "char", text });
  }

  async function click(selector: string): Promise<void> {
    const element = `document.querySelector(${JSON.stringify(selector)})`;
    const middle = `(() => {
      const box = ${element}.getBoundingClientRect();
      return [box.left + box.width / 2, box.top + box.height / 2];
    })()`;
    await has(`${element} !== null`);
    await read(`${element}.scrollIntoView({ block: "center" })`);
    // A page that was just loaded may still move.
    await has(`${element}.contains(document.elementFromPoint(...${middle}))`);
    const [x, y] = await read<[number, number]>(middle);
    const button = { x, y, button: "left", clickCount: 1 };
    await devTools.send("Input.dispatchMouseEvent", { type: "mousePressed", ...button });
    await devTools.send("Input.dispatchMouseEvent", { type: "mouseReleased", ...button });
  }
}
