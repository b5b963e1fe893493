import { readdirSync, statSync } from "node:fs";

// The folders of .gitignore, and Git's own. Without Git, so that a copy can be checked too.
const SKIPPED = new Set([".git", "node_modules", "dist", "target", "data", "coverage"]);

/**
 * Returns the files of the project at and below the paths, by default all, relative to the working
 * directory.
 */
export function projectFiles(paths: readonly string[] = ["."]): string[] {
  return paths.flatMap((path) => (statSync(path).isDirectory() ? filesBelow(path.replace(/\/+$/, "")) : [path]));
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !SKIPPED.has(name));
  return entries.flatMap((entry) => {
    const path = folder === "." ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
