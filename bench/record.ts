import { writeFileSync } from "node:fs";
import { createDatabase } from "../test/support/database.ts";
import { startSite } from "../test/support/site-process.ts";
import startDatabase from "../test/support/start-database.ts";
import stopDatabase from "../test/support/stop-database.ts";
import { openChromium } from "./chromium.ts";
import { recordClients } from "./clients/recordings.ts";
import { type ClientName, fileOf, formatTemplates } from "./clients/templates.ts";

/**
 * Records again what the real clients send, into bench/clients/*.http. A test compares these files
 * with what the clients send: run this after a change of a client's requests.
 *
 *     npm run build && npx tsx bench/record.ts
 */
await startDatabase();
const database = await createDatabase();
const site = await startSite(database.url, { LOG_LEVEL: "warn" });
const browser = await openChromium();
try {
  const recorded = await recordClients(site.url, browser);
  for (const [client, templates] of Object.entries(recorded))
    writeFileSync(fileOf(client as ClientName), formatTemplates(templates));
} finally {
  await browser.close();
  await site.kill("SIGTERM");
  await database.drop();
  await stopDatabase();
}
process.exit(0);
