import { startCentrifuge } from "./centrifuge.ts";
import type { System, SystemOptions } from "./system.ts";

/**
 * Centrifuge as one sets it up who knows that its rooms are busy: by its WriteDelay it collects a
 * reader's messages for 50 ms, as chattera does in a busy room; unlike chattera it does so in a
 * quiet one, too.
 */
export function start(options: SystemOptions): Promise<System> {
  return startCentrifuge("centrifuge gathering 50 ms", options, ["-gather", "50ms"]);
}
