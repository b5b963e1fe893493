import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** A row of a road table in docs/architecture.md. */
export type Step = {
  readonly file: string;
  /** The file from which this one is reached, then the files that tie the two. */
  readonly from: readonly string[];
  /** The name of a hop that is no import, for example `HTTP`. */
  readonly hop: string | undefined;
};

/** The headings of the road's tables, in order. */
export const ROAD = [
  "From Enter to the request",
  "Through the server to the commit",
  "From the commit to the readers",
  "From the stream to the screen",
];

/** The heading of the table of files that run at the same time for another reason. */
export const ALONGSIDE = "At the same time";

const ROOT = resolve(import.meta.dirname, "../..");

/** Returns the rows of the table below a heading of docs/architecture.md. */
export function stepsOf(heading: string): Step[] {
  const page = textOf("docs/architecture.md");
  const section = page.split(/^#+ /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/architecture.md has no section "${heading}"`);
  return [...section.matchAll(/^\| `([^`]+)` *\|[^|]*\|(?: *([^|]*?) *\|)?$/gm)].map(([, file = "", from = ""]) => ({
    file,
    from: [...from.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
    hop: /^([A-Z]+)\b/.exec(from)?.[1],
  }));
}

/** Returns a file's text, by its path from the root. */
export function textOf(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

/** Returns whether a path from the root exists. */
export function exists(path: string): boolean {
  return existsSync(join(ROOT, path));
}
