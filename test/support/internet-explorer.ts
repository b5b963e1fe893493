import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "@jest/globals";
import { es3Faults } from "./es3.ts";
import { until } from "./until.ts";

const FOLDER = fileURLToPath(new URL("../legacy", import.meta.url));

const lacking = ["javac", "mvn"].filter(
  (program) => !(process.env.PATH ?? "").split(":").some((folder) => existsSync(`${folder}/${program}`)),
);

if (lacking.length > 0 && process.env.TEST_REQUIRE_BROWSER)
  throw new Error(`TEST_REQUIRE_BROWSER is set and ${lacking.join(" and ")} cannot be found: install a JDK and Maven`);

/**
 * A test in HtmlUnit as Internet Explorer. Skipped, with the reason in its name, without a JDK and
 * Maven.
 */
export const explorerTest: typeof test =
  lacking.length === 0
    ? test
    : (Object.assign(
        (name: string, work: () => void, timeout?: number) =>
          test.skip(`${name} (skipped: no ${lacking.join(", no ")})`, work, timeout),
        test,
      ) as typeof test);

/** Waits like until(), but long enough for a browser in Java on a busy machine. */
export function soon<T>(what: string, take: () => T | Promise<T>): Promise<NonNullable<T>> {
  return until(what, take, 20_000);
}

/** An element: its attributes, and its text under `text`. */
export type SeenElement = { [attribute: string]: string };

/** One person's Internet Explorer, with cookies, cache and connections of its own. */
export type Explorer = {
  open(url: string): Promise<void>;
  /** Returns all elements that a CSS selector finds, in document order. */
  see(selector: string): Promise<SeenElement[]>;
  /** Presses keys; "\n" is Enter. */
  type(selector: string, text: string): Promise<void>;
  click(selector: string): Promise<void>;
  /** Runs the body of a function in the page. Resolves with its result as text. */
  run(script: string): Promise<string>;
  /** Returns the errors of the page's scripts so far. */
  errors(): Promise<string[]>;
  close(): Promise<void>;
};

/**
 * A program that simulates any number of Internet Explorers. In a strict zone, one can make neither
 * requests nor ActiveX objects.
 */
export type Explorers = {
  start(version: "6" | "7" | "8", zone?: "strict"): Promise<Explorer>;
  close(): Promise<void>;
};

type Answer = { id: number; result?: unknown; error?: string };
type Question = { judge: number; source: string };

/**
 * Builds and starts the program. Returns `undefined` if it cannot be built. It rejects scripts that
 * are not ES3.
 */
export async function openExplorers(): Promise<Explorers | undefined> {
  if (lacking.length > 0) return undefined;
  const program = startProgram();
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  const judged = new Map<string, string | undefined>();
  let commands = 0;
  let browsers = 0;

  createInterface({ input: program.stdout as NodeJS.ReadableStream }).on("line", (line) => {
    const message: Answer | Question = JSON.parse(line);
    if ("judge" in message) send({ judged: message.judge, fault: judge(message.source) });
    else answered(message);
  });
  const ended = new Promise<void>((resolve) => program.once("exit", () => resolve()));
  program.once("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error("the Internet Explorers have ended"));
  });

  return {
    start,
    close: async () => {
      program.stdin?.end();
      await ended;
    },
  };

  async function start(version: string, zone?: "strict"): Promise<Explorer> {
    browsers += 1;
    const browser = `${browsers}`;
    const command = (what: string, more: object = {}) => ask({ do: what, browser, ...more }) as Promise<never>;
    await command("start", { version, ...(zone && { strict: true }) });
    return {
      open: (url) => command("open", { url }),
      see: (selector) => command("see", { selector }),
      type: (selector, text) => command("type", { selector, text }),
      click: (selector) => command("click", { selector }),
      run: (script) => command("run", { script }),
      errors: () => command("errors"),
      close: () => command("close"),
    };
  }

  function ask(command: object): Promise<unknown> {
    commands += 1;
    const id = commands;
    send({ id, ...command });
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  }

  function send(message: object): void {
    program.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  function answered({ id, result, error }: Answer): void {
    const asker = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asker?.resolve(result);
    else asker?.reject(new Error(error));
  }

  function judge(source: string): string | undefined {
    if (!judged.has(source)) judged.set(source, es3Faults(source)[0]);
    return judged.get(source);
  }
}

/**
 * Compiles offline if possible. The first time, Maven downloads HtmlUnit, which takes half a
 * minute.
 */
function startProgram(): ChildProcess {
  try {
    execFileSync("mvn", ["-q", "-B", "-o", "compile"], { cwd: FOLDER, stdio: "ignore" });
  } catch {
    execFileSync("mvn", ["-q", "-B", "compile"], { cwd: FOLDER, stdio: ["ignore", "inherit", "inherit"] });
  }
  const libraries = readFileSync(`${FOLDER}/target/classpath`, "utf8").trim();
  return spawn("java", ["-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", `target/classes:${libraries}`, "Driver"], {
    cwd: FOLDER,
    stdio: ["pipe", "pipe", "inherit"],
  });
}
