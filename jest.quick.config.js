import { common, run } from "./jest.config.js";

/**
 * The tests of `npm run check`: the rules, the parts of client and database, and messages from end
 * to end. Left out are whole folders that drive browsers, networks and faults, the server's many
 * routes, and the few files below, which wait for real clocks and processes.
 *
 * @type {import("jest").Config}
 */
export default {
  ...run,
  ...common,
  testMatch: [
    "<rootDir>/test/{protocol,lint,build,docs,client,db}/**/*.test.ts",
    "<rootDir>/test/server/{messages,rooms,stream}.test.ts",
  ],
  testPathIgnorePatterns: [
    "client/any-network",
    "client/connect",
    "client/tabs",
    "db/embedded",
    "db/functions",
    "db/upgrade",
  ],
};
