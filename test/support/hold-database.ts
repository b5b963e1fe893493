import { startEmbedded } from "../../db/embedded/start.ts";

// For tests that kill chattera: starts a database in the given folder, prints its URL, and keeps
// running.
const { url } = await startEmbedded({ dataDir: process.argv[2] as string });
console.log(url);
setInterval(() => {}, 60_000);
