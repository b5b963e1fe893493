import { checkImports } from "./check-imports.ts";
import { projectFiles } from "./files.ts";

/** Checks the imports of the product against lint/import-table.ts: `npx tsx lint/imports.ts`. */

const files = projectFiles(["protocol", "db", "server", "client"]).filter((file) => file.endsWith(".ts"));
const faults = files.flatMap((file) => checkImports(file));
for (const fault of faults) process.stdout.write(`${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
