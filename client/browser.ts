import { connectBy } from "./connect.ts";
import type { ConnectOptions, RoomHandle } from "./handle.ts";

// biome-ignore lint/performance/noBarrelFile: This is an entry of the package.
export { RefusedError } from "./handle.ts";

/** Follows a room as index.ts does, without the code for Node. Bundlers take it for browsers. */
export function connect(url: string, options: ConnectOptions): RoomHandle {
  return connectBy(() => undefined, url, options);
}
