#!/usr/bin/env node

// The parser of an older Node fails at the first file with a newer syntax, so nothing is imported
// before this check.
const OLDEST_NODE = [20, 19] as const;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]))
  fail(`chattera needs Node ${OLDEST_NODE.join(".")} or newer, and this is ${process.version}.`);

await import("./commands.ts").catch((error: NodeJS.ErrnoException) => {
  if (error.code !== "EMFILE") throw error;
  fail("This process may open too few files: raise the limit (ulimit -n, or LimitNOFILE of systemd).");
});

function fail(sentence: string): never {
  process.stderr.write(`chattera: ${sentence}\n`);
  process.exit(1);
}

export {};
