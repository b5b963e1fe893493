import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const { DATABASE_URL, PORTS = "3000,3001" } = process.env;
if (!DATABASE_URL) throw new Error("Set DATABASE_URL: the embedded PostgreSQL serves one node only.");

const manifest = createRequire(import.meta.url).resolve("chattera/package.json");
const chattera = join(dirname(manifest), "dist/server/process/cli.js");

// Each logs JSON lines to stdout and prints its address to stderr.
const nodes = PORTS.split(",").map((PORT) =>
  spawn(process.execPath, [chattera, "serve"], { env: { ...process.env, PORT }, stdio: "inherit" }),
);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    for (const node of nodes) node.kill(signal);
  });
}
