import { basename } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { importsOf } from "../../lint/check-imports.ts";
import { exists, ROAD, type Step, stepsOf, textOf } from "./road.ts";

const steps = ROAD.flatMap(stepsOf);

/** The hops of the road that are no imports, in order. */
const HOPS = ["ENTER", "HTTP", "SQL", "NOTIFY", "SQL", "STREAM"];

describe("the road of a message in docs/architecture.md", () => {
  test("is there", () => {
    expect(steps.length).toBeGreaterThan(60);
  });

  test.each(steps.map(({ file }) => file))("%s exists", (file) => {
    expect(exists(file)).toBe(true);
  });

  test("takes the hops without imports that are known", () => {
    expect(steps.map(({ hop }) => hop).filter((hop) => hop !== undefined)).toEqual(HOPS);
  });

  test.each(steps.map((step, n) => [step.file, step, n] as const))(
    "%s is reached from a file above it",
    (_file, step, n) => {
      expect(breakIn(step, n)).toBeUndefined();
    },
  );
});

/**
 * Returns the fault of a step's last column: a file above, then the files that tie it to this one.
 */
function breakIn({ file, from, hop }: Step, n: number): string | undefined {
  if (hop !== undefined && hop !== "SQL") return undefined;
  const [previous, ...ties] = from.map((name, at) => fullNameOf(name, at === 0 ? steps.slice(0, n) : steps));
  if (previous === undefined) return `no file above is called ${from[0]}`;
  if (hop === "SQL") return calls(previous, file) ? undefined : `${previous} does not call it`;
  const chain = [previous, ...ties, file];
  const at = chain.findIndex((next, k) => k > 0 && !isTied(chain[k - 1], next));
  return at < 0 ? undefined : `neither of ${chain[at - 1]} and ${chain[at]} imports the other`;
}

/**
 * Returns the nearest step above whose path ends in a name. A whole path means that file, on the
 * road or not.
 */
function fullNameOf(name: string, above: Step[]): string | undefined {
  return exists(name) ? name : above.map(({ file }) => file).findLast((file) => `/${file}`.endsWith(`/${name}`));
}

function isTied(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a === b || imports(a).includes(b) || imports(b).includes(a);
}

function imports(file: string): string[] {
  return file.endsWith(".ts") ? importsOf(file, textOf(file)) : [];
}

/** Returns whether a file contains a call of the database function that an SQL file defines. */
function calls(file: string, sql: string): boolean {
  return textOf(file).includes(`${basename(sql, ".sql")}(`);
}
