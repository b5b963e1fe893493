import { readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { parseSync } from "oxc-parser";
import { AREAS, type Area } from "./import-table.ts";

/** Returns a sentence for each import of the file that the table forbids. */
export function checkImports(file: string, source = readFileSync(file, "utf8")): string[] {
  const area = areaOf(file);
  if (!area) return [`${file} belongs to no area of lint/import-table.ts`];
  return importsOf(file, source)
    .filter((target) => !mayImport(area, target))
    .map((target) => `${file} must not import ${target}. ${area.name}: ${area.because}`);
}

/**
 * Returns what a file imports, types too: paths of the project, and names of packages and Node's
 * modules.
 */
export function importsOf(file: string, source: string): string[] {
  const { module } = parseSync(file, source);
  const requests = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...module.dynamicImports.map(({ moduleRequest: { start, end } }) => source.slice(start + 1, end - 1)),
  ];
  return requests.map((request) => (request.startsWith(".") ? join(dirname(file), request) : request));
}

function mayImport({ name, imports, without }: Area, target: string): boolean {
  const targets = areaOf(target);
  if (targets) return targets.name === name || imports.includes(targets.name);
  // A file that no area has is of no use at run time: tests, tools, docs.
  if (target.endsWith(".ts")) return false;
  return without === undefined || !new RegExp(without).test(target);
}

/**
 * Returns the area of a file: the one whose pattern it matches, else the one whose folder it is in.
 */
function areaOf(file: string): Area | undefined {
  const named = AREAS.find(({ files }) => files !== undefined && new RegExp(files).test(file));
  return named ?? AREAS.find(({ name, files }) => files === undefined && file.startsWith(`${name}/`));
}
