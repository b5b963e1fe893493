import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Returns a hash over the names and contents of the files at and below the paths. Contents, not
 * times: a checkout changes the times of equal files and may leave those of different ones.
 */
export function fingerprint(root: string, paths: readonly string[], skipped: readonly string[] = []): string {
  const hash = createHash("sha256");
  for (const path of paths.flatMap((name) => filesAt(root, name)).filter((name) => !skipped.includes(name))) {
    const content = readFileSync(join(root, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

function filesAt(root: string, path: string): string[] {
  if (!existsSync(join(root, path))) return [];
  if (!statSync(join(root, path)).isDirectory()) return [path];
  const children = readdirSync(join(root, path)).sort();
  return children.flatMap((child) => filesAt(root, `${path}/${child}`));
}
