import { startEmbedded } from "../../db/embedded/start.ts";

// A chattera of its own, for tests that kill it: starts a database in the folder it is given, says where, and stays.
const { url } = await startEmbedded({ dataDir: process.argv[2] as string });
console.log(url);
setInterval(() => {}, 60_000);
