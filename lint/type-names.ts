import { readFileSync } from "node:fs";
import { parseSync } from "oxc-parser";

const TYPES = new Set(["TSTypeAliasDeclaration", "TSInterfaceDeclaration", "ClassDeclaration", "TSEnumDeclaration"]);

/**
 * Returns the files that export each type or class, by its name. A name that is only passed on does
 * not count.
 */
export function exportedTypes(files: readonly string[]): Map<string, string[]> {
  const exporters = new Map<string, string[]>();
  for (const file of files.filter((name) => name.endsWith(".ts"))) {
    for (const name of typesOf(file)) exporters.set(name, [...(exporters.get(name) ?? []), file]);
  }
  return exporters;
}

function typesOf(file: string): string[] {
  const { program } = parseSync(file, readFileSync(file, "utf8"));
  return program.body.flatMap((statement) => {
    const declared = statement.type === "ExportNamedDeclaration" ? statement.declaration : null;
    if (!declared || !TYPES.has(declared.type) || !("id" in declared)) return [];
    return declared.id?.type === "Identifier" && "name" in declared.id ? [declared.id.name] : [];
  });
}
