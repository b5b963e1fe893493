/**
 * The tests that meet the database and Node most: every function of the database, messages from end
 * to end on every transport, restores, and outages.
 */
export const TESTS = [
  "test/db/(append|connect|enter|functions|log|members|prune|rooms|session-settings|statements|talk)",
  "test/server/(messages|rooms|stream|reading|kept-poll|prune|plain-path)",
  "test/faults/(database-away|epoch|storing)",
];

/** The arguments of Node for all runs of Jest. */
export const JEST = ["--experimental-vm-modules", "node_modules/jest/bin/jest.js", "--selectProjects", "Chromium"];

/** The output of a program. `message` is the reason if it could not run. */
export type ProgramOutput = { stdout: string; stderr: string; message?: string };

/** Returns the result of a run of Jest for a cell of the table: numbers, failures, warnings. */
export function outcomeOf({ stderr, message }: ProgramOutput): string {
  // A file that does not load has no tests that could fail.
  const failed = Math.max(count(stderr, "Tests", "failed"), count(stderr, "Test Suites", "failed"));
  const passed = count(stderr, "Tests", "passed");
  const names = [...stderr.matchAll(/^ +● (.*)$/gm)].map(([, name]) => name);
  const warnings = [...stderr.matchAll(/^\(node:\d+\) (.*Warning: .*)$/gm)].map(([, text]) => text);
  const line = passed > 0 ? `${passed} passed, ${failed} failed` : `did not run: ${message?.slice(-200)}`;
  return [line, ...new Set([...names, ...warnings.filter((text) => !text?.includes("VM Modules"))])].join("<br>");
}

/** Reads a number in Jest's summary, whose lines are like "Tests: 1 failed, 2 passed, 3 total". */
function count(stderr: string, line: string, kind: string): number {
  return Number(new RegExp(`^${line}:.*?(\\d+) ${kind}`, "m").exec(stderr)?.[1] ?? 0);
}

/** Returns whether all of an outcome went well. */
export function isGood(outcome: string): boolean {
  return !/ [1-9]\d* failed|did not run|<br>/.test(outcome);
}
