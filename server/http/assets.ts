import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// The build puts the bundles next to the compiled server, and a run from the sources finds them in
// dist.
const FOLDER = ["../../client/", "../../dist/client/"]
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(`${path}assets.json`));

if (FOLDER === undefined) throw new Error("the client is not built: run `npm run build`");

/** The folder of the bundles. */
export const ASSET_FOLDER: string = FOLDER;

type Assets = {
  script: string;
  style: string;
  /** The same in one scheme, whatever the browser prefers. */
  lightStyle: string;
  darkStyle: string;
  icon: string;
  unreadIcon: string;
  /** PNG pictures of the icon: for a phone's home screen, large, and with room to be cut round. */
  touchIcon: string;
  smallIcon: string;
  largeIcon: string;
  maskableIcon: string;
  toolStyle: string;
  legacyScript: string;
  legacyStyle: string;
  embedScript: string;
  doctorScript: string;
  doctorStyle: string;
};

/** The names of the bundles, each with a hash of its content. */
export const ASSETS: Assets = JSON.parse(readFileSync(`${FOLDER}assets.json`, "utf8"));
