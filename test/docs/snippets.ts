import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Code of a page: a block between fences, or indented commands. */
export type Snippet = {
  page: string;
  line: number;
  language: string;
  code: string;
  /** Why it cannot run, from `<!-- not run: … -->` above it. */
  reason?: string;
};

const ROOT = resolve(import.meta.dirname, "../..");

/** The pages whose snippets are run. */
export const SNIPPET_PAGES = [
  "README.md",
  "README.ja.md",
  ...["docs", "deploy", "examples"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md") && !/node_modules|^decisions/.test(file))
      .map((file) => join(folder, file)),
  ),
].sort();

/** Languages of blocks that are no code. */
const NO_CODE = new Set(["mermaid", "text", "json"]);

/** A line of a shell: a command, perhaps after settings, or settings alone. */
const COMMAND =
  /^(?:[A-Z_]+=(?:'[^']*'|"[^"]*"|\S*)(?: +|$))*(?:$|(?:npm|npx|node|curl|chattera(?! is)|createdb|nginx|python3|git|docker|psql|pg_dump|systemctl)\b)/;

/** Returns the snippets of a page, in order. */
export function snippetsOf(page: string): Snippet[] {
  const lines = readFileSync(join(ROOT, page), "utf8").split("\n");
  const found: Snippet[] = [];
  for (let at = 0; at < lines.length; at++) {
    const block = fencedAt(lines, at) ?? indentedAt(lines, at);
    if (block === undefined) continue;
    const { language, code, end } = block;
    if (language !== "" && !NO_CODE.has(language)) {
      const reason = reasonAbove(lines, at);
      found.push({ page, line: at + 1, language, code, ...(reason !== undefined && { reason }) });
    }
    at = end;
  }
  return found;
}

/** Returns the one snippet of a page that contains a text. */
export function snippetWith(page: string, text: string): Snippet {
  const found = snippetsOf(page).filter(({ code }) => code.includes(text));
  if (found.length !== 1) throw new Error(`${page} has ${found.length} snippets with "${text}"`);
  return found[0] as Snippet;
}

type Block = { language: string; code: string; end: number };

function fencedAt(lines: string[], at: number): Block | undefined {
  const [, language] = /^```(\w*)/.exec(lines[at] ?? "") ?? [];
  if (language === undefined) return undefined;
  const end = lines.indexOf("```", at + 1);
  return { language, code: `${lines.slice(at + 1, end).join("\n")}\n`, end };
}

/** Indented lines after an empty one. They are of a shell if their first line is. */
function indentedAt(lines: string[], at: number): Block | undefined {
  const [indent] = /^ {4,7}(?=\S)/.exec(lines[at] ?? "") ?? [];
  if (indent === undefined || lines[at - 1] !== "") return undefined;
  let end = at;
  while (lines[end + 1]?.startsWith(indent)) end++;
  const code = lines.slice(at, end + 1).map((line) => line.slice(indent.length));
  return { language: COMMAND.test(code[0] as string) ? "sh" : "", code: `${code.join("\n")}\n`, end };
}

function reasonAbove(lines: string[], at: number): string | undefined {
  const above = lines[at - 1] === "" ? lines[at - 2] : lines[at - 1];
  return /^ *<!-- not run: (.+) -->$/.exec(above ?? "")?.[1];
}
