import type { Member } from "../protocol/event.ts";
import { PEOPLE_SHOWN } from "../protocol/limits.ts";
import { PATHS } from "../protocol/paths.ts";
import type { Access } from "./core/base/access.ts";
import { askOnce } from "./core/history.ts";

// Events about the same people arrive within this time, and the server counts once a second. A
// crowd of readers does not ask together.
const SETTLED_MS = 1_500;
const JITTER_MS = 2_000;

/**
 * Follows the people of a room that allows silent entry, whose log does not name all of them. If
 * the server's count does not become that of the list, the list is read again. Returns the function
 * that takes the count.
 */
export function followSilentMoves(
  access: Access,
  room: string,
  { shown, replace }: { shown(): number; replace(members: Member[]): void },
): (members: number) => void {
  const { environment } = access;
  let counted = 0;
  let isWaiting = false;
  return (members) => {
    counted = members;
    if (isWaiting || counted === shown()) return;
    isWaiting = true;
    environment.later(SETTLED_MS + environment.random() * JITTER_MS, () => {
      isWaiting = false;
      // A list that is cut shows the first ones only.
      if (counted === shown() || counted > PEOPLE_SHOWN) return;
      askOnce(access, PATHS.roomState(room), (status, ours) => {
        if (status === 200 && ours) replace((ours as { members: Member[] }).members);
      });
    });
  };
}
