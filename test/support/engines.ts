import { existsSync } from "node:fs";

/** An engine. Each stands for the browsers that are built on it. */
export type Engine = "Chromium" | "Firefox" | "WebKit";

/**
 * Something that a test may need and that not every engine offers to a test: the DevTools protocol,
 * pages without script, colors replaced by the system, a page that crashes or hangs. A proxy
 * answers or watches requests, adds scripts and takes a page's policy away, in every engine.
 */
export type Need = "devtools" | "init scripts" | "no script" | "forced colors" | "crash" | "hang";

/** Why an engine cannot offer something. The reason is shown in the name of the skipped test. */
const LACKS: { [engine in Engine]: { [need in Need]?: string } } = {
  Chromium: {},
  Firefox: {
    devtools: "Firefox has no DevTools protocol",
    "no script": "playwright cannot fill in forms in a Firefox without script",
    "forced colors": "WebDriver BiDi cannot replace colors",
    crash: "Firefox does not report a crash to the test",
    hang: "a hanging page also stops Firefox's WebDriver",
  },
  WebKit: {
    devtools: "WebKit has no DevTools protocol",
    "init scripts": "WebDriver runs no script before those of the page",
    "forced colors": "WebKit replaces no colors",
    crash: "WebDriver cannot crash a page",
    hang: "WebDriver waits for a page that hangs",
  },
};

/** Returns why an engine cannot run a test with these needs, or `undefined` if it can. */
export function reasonAgainst(engine: Engine, needs: readonly Need[]): string | undefined {
  return needs.map((need) => LACKS[engine][need]).find((reason) => reason !== undefined);
}

/** The programs of each engine, by their usual paths, and the variable that names another one. */
const PROGRAMS: { [engine in Engine]: { variable: string; paths: string[]; package: string }[] } = {
  Chromium: [
    {
      variable: "CHROMIUM",
      paths: [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
        "/usr/bin/google-chrome-stable",
      ],
      package: "chromium",
    },
  ],
  Firefox: [{ variable: "FIREFOX", paths: ["/usr/bin/firefox-esr"], package: "firefox-esr" }],
  WebKit: [
    { variable: "WEBKIT_DRIVER", paths: ["/usr/bin/WebKitWebDriver"], package: "webkit2gtk-driver" },
    {
      variable: "WEBKIT",
      paths: ["x86_64", "aarch64"].map((cpu) => `/usr/lib/${cpu}-linux-gnu/webkit2gtk-4.1/MiniBrowser`),
      package: "webkit2gtk-driver",
    },
    { variable: "XVFB", paths: ["/usr/bin/Xvfb"], package: "xvfb" },
    { variable: "LOCALEDEF", paths: ["/usr/bin/localedef"], package: "locales" },
  ],
};

/** Returns the paths of an engine's programs, or `undefined` if one of them is not installed. */
export function programsOf(engine: Engine): string[] | undefined {
  const found = PROGRAMS[engine].map(({ variable, paths }) =>
    [process.env[variable] ?? "", ...paths].find((path) => path !== "" && existsSync(path)),
  );
  return found.every((path) => path !== undefined) ? found : undefined;
}

/** Returns the Debian packages that contain an engine. */
export function packagesOf(engine: Engine): string {
  return [...new Set(PROGRAMS[engine].map((program) => program.package))].join(" ");
}

/** The engine of this run of the file. Each engine is a project of jest.config.js. */
export const engineInUse = ((globalThis as { ENGINE?: Engine }).ENGINE ?? "Chromium") satisfies Engine;
