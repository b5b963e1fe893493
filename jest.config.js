/**
 * The journeys that run in Firefox and WebKit as well as in Chromium. Each engine runs a file on a
 * site of its own. ENGINES chooses engines, for example `ENGINES=Firefox,WebKit`.
 */
const JOURNEYS = ["<rootDir>/test/journeys/**/*.test.ts", "<rootDir>/test/examples/own-page.test.ts"];

/** The options that all tests have in common. */
export const common = {
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": ["@swc/jest", { jsc: { parser: { syntax: "typescript" }, target: "es2022" } }],
  },
  transformIgnorePatterns: ["/node_modules/"],
  globalSetup: "<rootDir>/test/support/start-database.ts",
  setupFiles: ["<rootDir>/test/support/fixed-seed.ts"],
  globalTeardown: "<rootDir>/test/support/stop-database.ts",
};

/** The options of a whole run. */
export const run = {
  reporters: ["default", "<rootDir>/test/support/plain-line-reporter.js"],
  coverageProvider: "babel",
  // Most tests wait for a database or a clock, so as many run at once as there are cores.
  maxWorkers: "100%",
  // Node keeps the modules of every file that a worker has run, some 40 MB each. Near the limit of
  // its heap, 4 GB, collecting garbage holds tests up for seconds. A new worker takes one.
  workerIdleMemoryLimit: "1GB",
  testTimeout: 15_000,
};

const engines = process.env.ENGINES?.split(",") ?? ["Chromium", "Firefox", "WebKit"];

/** @type {import("jest").Config} */
export default {
  ...run,
  projects: engines.map((engine) => ({
    ...common,
    displayName: engine,
    globals: { ENGINE: engine },
    ...(engine !== "Chromium" && { testMatch: JOURNEYS }),
  })),
};
