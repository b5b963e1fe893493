import { roomLimits } from "../../protocol/room-limits.ts";
import type { RoomSignal } from "../../protocol/room-settings.ts";
import { ownerKeyBox } from "./claim.ts";
import { type Html, html } from "./html.ts";
import { wordsOf } from "./language.ts";
import type { PageLayout } from "./layout.ts";
import { linkedText } from "./links.ts";

/**
 * Renders the room's announcement, its description and its limits, above the log. The script
 * replaces them when they change, and hides those that are empty. The style sheet adds the label,
 * since text browsers also show what is hidden.
 */
export function roomStateBox(layout: PageLayout, room: RoomSignal, ownerKey?: string): Html {
  const words = wordsOf(layout.language);
  const { description, pinned } = room;
  const limits = roomLimits(room, words.script.limits);
  const isEmpty = description === "" && pinned === "" && limits === "" && ownerKey === undefined;
  return html`<div id="room-state" class="room-state"${isEmpty && html` hidden`}>
<p id="pinned" class="pinned" data-label="${words.moderation.roomState.pinned}"${pinned === "" && html` hidden`}><span id="pinned-text" dir="auto" class="text">${linkedText(pinned)}</span></p>
<p id="room-description" class="room-description" dir="auto"${description === "" && html` hidden`}>${linkedText(description)}</p>
<p id="room-limits" class="room-limits"${limits === "" && html` hidden`}>${limits}</p>
${ownerKey !== undefined && ownerKeyBox(layout, room.room, ownerKey)}
</div>`;
}
