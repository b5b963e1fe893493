import { PATHS } from "../protocol/paths.ts";
import { moveMember } from "./core/sending/change.ts";
import { enter } from "./core/sending/enter.ts";
import { environment } from "./environment.ts";
import type { ConnectOptions, RefusedCode } from "./handle.ts";
import { becomeReady, type HandleState, refuse, startReading } from "./handle-state.ts";

const ENTERING_MS = 1_000;
// With the default grace period, the site notices within 85 s that a program was killed.
const NAME_WAIT_SECONDS = 90;
const NAME_PAUSE_MS = 3_000;

/** Enters the room as the options say, and starts to read. */
export function enterRoom(handle: HandleState, options: ConnectOptions): void {
  const { sender } = handle.conversation;
  const { room, nickname, color, nameWaitSeconds = typeof document === "undefined" ? NAME_WAIT_SECONDS : 0 } = options;
  const until = environment.now() + nameWaitSeconds * 1000;
  // Two connections are all that some networks have. The first requests are those of entering, and
  // then all are read as a member. If entering takes long, the reader learns why.
  handle.stopTimer = environment.later(ENTERING_MS, () => startReading(handle));
  attempt();

  function attempt(): void {
    if (nickname === undefined) handle.stopEntering = moveMember(sender, PATHS.enter(room), entered);
    else {
      const entry = { room, nickname, ...(color !== undefined && { color }) };
      handle.stopEntering = enter(sender, entry, entered);
    }
  }

  function entered(outcome: object | { refused: string }): void {
    const refused = "refused" in outcome ? (outcome.refused as RefusedCode) : undefined;
    if (refused === "nickname_taken" && environment.now() < until) {
      handle.stopEntering = environment.later(NAME_PAUSE_MS, attempt);
      return;
    }
    const wasReading = handle.isReading;
    startReading(handle);
    if (refused !== undefined) {
      refuse(handle, refused);
      return;
    }
    handle.isEntered = true;
    // The server has opened the current connections for a visitor.
    if (wasReading) handle.conversation.session.wake(true);
    becomeReady(handle);
  }
}
