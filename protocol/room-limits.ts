import type { RoomSignal } from "./room-settings.ts";

/** The words in which a page says what a room does not allow at the moment. */
export type LimitWords = {
  locked: string;
  slowMode: string;
  raid: string;
  newcomers: string;
  noLinks: string;
  speakTrips: string;
  speakApproved: string;
  speakModerators: string;
};

/** Returns in words what a room does not allow at the moment; "" if it allows everything. */
export function roomLimits(room: RoomSignal, words: LimitWords): string {
  const { slowSeconds, newcomerSeconds } = room;
  const slow = room.raid ? words.raid : words.slowMode;
  return (
    when(room.locked, words.locked) +
    when(room.maySpeak === "trips", words.speakTrips) +
    when(room.maySpeak === "approved", words.speakApproved) +
    when(room.maySpeak === "moderators", words.speakModerators) +
    when(slowSeconds > 0, slow.replace(/\{seconds\}/, String(slowSeconds))) +
    when(newcomerSeconds > 0, words.newcomers.replace(/\{seconds\}/, String(newcomerSeconds))) +
    when(!room.links, words.noLinks)
  );
}

function when(is: boolean, text: string): string {
  return is ? `${text} ` : "";
}
