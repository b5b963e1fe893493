/** @type {import("jest").Config} */
export default {
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": ["@swc/jest", { jsc: { parser: { syntax: "typescript" }, target: "es2022" } }],
  },
  transformIgnorePatterns: ["/node_modules/"],
  globalSetup: "<rootDir>/test/support/start-database.ts",
  setupFiles: ["<rootDir>/test/support/fixed-seed.ts"],
  globalTeardown: "<rootDir>/test/support/stop-database.ts",
  reporters: ["default", "<rootDir>/test/support/plain-line-reporter.js"],
  coverageProvider: "babel",
  // Most tests wait for a database or a clock, so as many run at once as there are cores.
  maxWorkers: "100%",
  testTimeout: 15_000,
};
