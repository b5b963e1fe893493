import { passagesOfMarkdown } from "./markdown.ts";
import type { Passage } from "./passage.ts";
import { passagesOfScript, passagesOfText } from "./source.ts";
import { FREE_RELATIVE, STYLE_RULES } from "./style-rules.ts";

/** A place in a file that the style rules out. */
export type Finding = {
  readonly line: number;
  readonly found: string;
  /** The number of the rule in the section "Style" of CONTRIBUTING.md. */
  readonly rule: number;
  readonly instead: string;
};

const COLUMNS = 100;
const CSS = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|(?<comment>\/\*[\s\S]*?\*\/)/g;
const JAVA = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|(?<comment>\/\*[\s\S]*?\*\/|\/\/[^\n]*)/g;
const SQL = /'(?:[^']|'')*'|(?<comment>--[^\n]*|\/\*[\s\S]*?\*\/)/g;
const HASH = /(?<=^[ \t]*)(?<comment>#(?!!)[^\n]*)/gm;

/** Returns what the style rules out in a file. A file of an unknown kind has no findings. */
export function checkStyle(file: string, source: string): Finding[] {
  const passages = passagesOf(file, source);
  const findings = passages.flatMap((passage) => [
    ...words(source, passage),
    ...freeRelatives(source, passage),
    ...shape(file, source, passage),
  ]);
  return findings.sort((a, b) => a.line - b.line);
}

function passagesOf(file: string, source: string): Passage[] {
  if (/\.(?:ts|js)$/.test(file)) return passagesOfScript(file, source);
  if (/\.md$/.test(file)) return passagesOfMarkdown(source);
  if (/\.css$/.test(file)) return passagesOfText(source, CSS);
  if (/\.(?:java|go)$/.test(file)) return passagesOfText(source, JAVA);
  if (/\.sql$/.test(file)) return passagesOfText(source, SQL);
  if (isHashCommented(file)) return passagesOfText(source, HASH);
  return [];
}

function isHashCommented(file: string): boolean {
  return /\.(?:yml|conf|cfg|service|vcl)$|(?:^|\/)(?:Dockerfile|Caddyfile|run|CODEOWNERS)$/.test(file);
}

function words(source: string, { text, start }: Passage): Finding[] {
  return STYLE_RULES.flatMap(({ pattern, rule, instead }) =>
    [...text.matchAll(pattern)].map(({ index, 0: found }) => ({
      line: lineAt(source, start + index),
      found: `"${found.replace(/\s+/g, " ")}"`,
      rule,
      instead,
    })),
  );
}

function freeRelatives(source: string, { kind, text, start }: Passage): Finding[] {
  if (kind === "heading") return [];
  return [...text.matchAll(FREE_RELATIVE)]
    .filter(({ groups }) => groups?.end !== "?")
    .map(({ index, 0: sentence }) => ({
      line: lineAt(source, start + index),
      found: `a sentence that begins with "${/^\S+/.exec(sentence)}"`,
      rule: 3,
      instead: `name the subject: "a reader that …", "the caller", "the text that …"`,
    }));
}

/**
 * Comments begin with a capital letter and end at the hundredth column. Other passages have no such
 * rule.
 */
function shape(file: string, source: string, { kind, text, start }: Passage): Finding[] {
  if (kind !== "comment") return [];
  const findings: Finding[] = [];
  const first = lineAt(source, start);
  if (!isHashCommented(file) && !file.endsWith(".go") && /^\s*(?!https?:)\p{Ll}/u.test(text)) {
    const instead = "begin with a capital letter, or put a name from the code into ``";
    findings.push({ line: first, found: `a comment that begins with "${/\S+/.exec(text)}"`, rule: 13, instead });
  }
  let end = start;
  for (const [index, row] of text.split("\n").entries()) {
    end += row.length;
    const width = end - (source.lastIndexOf("\n", end - 1) + 1);
    // Nothing can break a URL.
    if (width > COLUMNS && !/\S{60}/.test(row)) {
      findings.push({
        line: first + index,
        found: `a comment of ${width} columns`,
        rule: 13,
        instead: "end it at 100",
      });
    }
    end += 1;
  }
  return findings;
}

function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}
