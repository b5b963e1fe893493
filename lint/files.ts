import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/**
 * Returns the files of the project below the paths, by default all: those Git knows, and new ones
 * that it would add.
 */
export function projectFiles(paths: readonly string[] = []): string[] {
  const options = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ...paths];
  const listed = execFileSync("git", options, { encoding: "utf8" });
  return listed.split("\0").filter((file) => file !== "" && existsSync(file));
}
