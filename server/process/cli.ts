#!/usr/bin/env node

import { readFileSync } from "node:fs";

// The parser of an older Node fails at the first file with a newer syntax, so nothing of ours is
// imported before this check.
const OLDEST_NODE = [20, 19] as const;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]))
  fail(`chattera needs Node ${OLDEST_NODE.join(".")} or newer, and this is ${process.version}.`);

if (!hasFolder()) fail("The current folder was deleted: change to another one.");

await import("./commands.ts").catch((error: NodeJS.ErrnoException) => {
  // Node reads files side by side. Where it may open no more, it often says that a package is
  // missing.
  const isMissing = error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND";
  if (error.code !== "EMFILE" && !(isMissing && mayOpenFew())) throw error;
  fail("This process may open too few files: raise the limit (ulimit -n, or LimitNOFILE of systemd).");
});

/** Packages ask for the current folder while they are loaded. */
function hasFolder(): boolean {
  try {
    return process.cwd() !== "";
  } catch {
    return false;
  }
}

/** A site that may open fewer than 256 files could not serve many people anyway. */
function mayOpenFew(): boolean {
  try {
    return Number(/^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]) < 256;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EMFILE";
  }
}

function fail(sentence: string): never {
  process.stderr.write(`chattera: ${sentence}\n`);
  process.exit(1);
}
