import { createDatabase } from "../../support/database.ts";
import { type SiteProcess, startSite } from "../../support/site-process.ts";
import type { HostileNetwork, SiteBehind } from "./network.ts";

/** Sites for talks: one for all networks, and one more for each network that kills its site. */
export type Sites = {
  behind(network: HostileNetwork): Promise<SiteBehind & { close(): Promise<void> }>;
  close(): Promise<void>;
};

/** Starts the shared site. */
export async function openSites(): Promise<Sites> {
  const shared = await open();
  return {
    behind: async ({ ownSite }) => (ownSite ? open() : { ...shared, close: async () => undefined }),
    close: shared.close,
  };
}

async function open(): Promise<SiteBehind & { close(): Promise<void> }> {
  const database = await createDatabase();
  let site: SiteProcess = await startSite(database.url, SETTINGS);
  const { url } = site;
  // If this process is interrupted, the site ends with it.
  const onExit = () => void site.kill("SIGKILL");
  process.once("exit", onExit);
  return {
    url,
    killAndRestart: async () => {
      await site.kill("SIGKILL");
      site = await startSite(database.url, { ...SETTINGS, PORT: new URL(url).port });
    },
    close: async () => {
      process.off("exit", onExit);
      await site.kill("SIGTERM");
      await database.drop();
    },
  };
}

const SETTINGS = { LOG_LEVEL: "warn" };
