import { type CallExpression, parseSync } from "oxc-parser";
import { blank, maskCode, type Passage } from "./passage.ts";

type Span = { readonly start: number; readonly end: number };

const DIRECTIVE = /^[\s/*]*(?:biome-ignore|@ts-|@type\b|[@#]__PURE__|<reference|prettier-|eslint-|c8 |v8 |istanbul )/;
const MARKS = /^\s*\/\*+|\*+\/\s*$|^[ \t]*\*|^[ \t]*\/\/+|^[ \t]*--+|^[ \t]*#+/gm;

/**
 * Returns the comments of a TypeScript or JavaScript file and, below test/, the names of its tests.
 */
export function passagesOfScript(file: string, source: string): Passage[] {
  const { comments, program } = parseSync(file, source);
  const names = file.startsWith("test/") ? [...testNames(program)] : [];
  return [...asPassages(source, comments), ...names.map((name) => asName(source, name))];
}

/**
 * Yields the first argument of each call that has a text, then a function: test(), describe() and
 * their like.
 */
function* testNames(node: unknown): Generator<Span> {
  if (typeof node !== "object" || node === null) return;
  const { type, arguments: given } = node as Partial<CallExpression>;
  const [name, ...others] = type === "CallExpression" && given ? given : [];
  const isText = name?.type === "TemplateLiteral" || (name?.type === "Literal" && typeof name.value === "string");
  if (isText && others.some((other) => other.type.endsWith("FunctionExpression"))) yield name;
  for (const child of Object.values(node)) yield* testNames(child);
}

function asName(source: string, { start, end }: Span): Passage {
  return { kind: "test name", text: maskCode(source.slice(start + 1, end - 1)), start: start + 1 };
}

/**
 * Returns the comments of a file whose strings and comments the pattern finds; only matches of the
 * group count.
 */
export function passagesOfText(source: string, pattern: RegExp): Passage[] {
  const spans: Span[] = [];
  for (const { index, groups } of source.matchAll(pattern)) {
    const comment = groups?.comment;
    if (comment !== undefined) spans.push({ start: index, end: index + comment.length });
  }
  return asPassages(source, spans);
}

function asPassages(source: string, comments: readonly Span[]): Passage[] {
  return joined(source, comments)
    .map(({ start, end }) => ({ start, text: source.slice(start, end) }))
    .filter(({ text }) => !DIRECTIVE.test(text) && !text.startsWith("#!"))
    .map(({ start, text }) => ({ kind: "comment" as const, start, text: maskCode(blank(text, MARKS)) }));
}

/** Joins line comments that follow each other without code between them. */
function joined(source: string, comments: readonly Span[]): Span[] {
  const spans: Span[] = [];
  for (const { start, end } of comments) {
    const last = spans.at(-1);
    const isLine = !source.startsWith("/*", start);
    if (last && isLine && isAlone(source, last) && follows(source, last, start)) {
      spans[spans.length - 1] = { start: last.start, end };
    } else spans.push({ start, end });
  }
  return spans;
}

function isAlone(source: string, { start }: Span): boolean {
  const before = source.slice(source.lastIndexOf("\n", start - 1) + 1, start);
  return before.trim() === "" && !source.startsWith("/*", start);
}

function follows(source: string, last: Span, start: number): boolean {
  const between = source.slice(last.end, start);
  return /^\n[ \t]*$/.test(between) && !DIRECTIVE.test(source.slice(start));
}
