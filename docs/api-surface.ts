import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseSync, type Statement } from "oxc-parser";

type Declared = { readonly file: string; readonly name: string };
type Declarations = {
  /** The text of each declaration of the file, without comments. */
  readonly texts: Map<string, string>;
  /** Where the names come from that the file imports from other files of the package. */
  readonly imports: Map<string, Declared>;
  readonly exported: readonly string[];
};

/**
 * Returns what a module of the package offers, from its emitted types: each exported declaration,
 * then the others that they mention. Types of other packages are only named.
 */
export function apiSurface(entry: string): string {
  const seen = new Map<string, string>();
  const { exported } = readDeclarations(entry);
  for (const name of exported) collect({ file: entry, name }, seen);
  const offered = new Set(exported);
  const texts = (isOffered: boolean) =>
    [...seen].filter(([name]) => offered.has(name) === isOffered).map(([, text]) => text);
  return [...texts(true).sort(), "// Mentioned above", ...texts(false).sort()].join("\n\n");
}

function collect({ file, name }: Declared, seen: Map<string, string>): void {
  const { texts, imports } = readDeclarations(file);
  const source = imports.get(name);
  if (source) collect(source, seen);
  const text = texts.get(name);
  if (text === undefined || seen.has(name)) return;
  seen.set(name, text);
  for (const [word] of text.matchAll(/[\w$]+/g)) collect({ file, name: word }, seen);
}

const known = new Map<string, Declarations>();

function readDeclarations(file: string): Declarations {
  const declarations = known.get(file) ?? parseDeclarations(file, readFileSync(file, "utf8"));
  known.set(file, declarations);
  return declarations;
}

function parseDeclarations(file: string, source: string): Declarations {
  const { program, comments, module } = parseSync(file, source);
  const texts = new Map(program.body.flatMap((statement) => declarationOf(statement, without(source, comments))));
  const imports = new Map<string, Declared>();
  const addImport = (local: string, request: string, name: string) => {
    if (request.startsWith("."))
      imports.set(local, { file: join(dirname(file), request.replace(/\.ts$/, ".d.ts")), name });
  };
  for (const { moduleRequest, entries } of module.staticImports) {
    for (const { localName, importName } of entries) {
      addImport(localName.value, moduleRequest.value, importName.name ?? "default");
    }
  }
  const entries = module.staticExports.flatMap((statement) => statement.entries);
  for (const { exportName, importName, moduleRequest } of entries) {
    if (moduleRequest) addImport(exportName.name ?? "default", moduleRequest.value, importName.name ?? "default");
  }
  return { texts, imports, exported: entries.map(({ exportName }) => exportName.name ?? "default") };
}

function without(source: string, spans: readonly { start: number; end: number }[]): string {
  return spans.reduce(
    (text, { start, end }) => text.slice(0, start) + " ".repeat(end - start) + text.slice(end),
    source,
  );
}

function declarationOf(statement: Statement, source: string): [string, string][] {
  const declared = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
  if (!declared) return [];
  const text = source
    .slice(declared.start, declared.end)
    .replace(/\n\s*(?=\n)/g, "")
    .replace(/[ \t]+$/gm, "");
  if (declared.type === "VariableDeclaration") {
    return declared.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [[id.name, text]] : []));
  }
  const id = "id" in declared ? declared.id : null;
  return id?.type === "Identifier" && "name" in id ? [[id.name, text]] : [];
}
