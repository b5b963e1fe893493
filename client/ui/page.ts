import type { Page } from "../page.ts";
import { createPlaces } from "../whispers.ts";
import type { ScriptWords } from "../words.ts";
import { openIgnored } from "./ignored-store.ts";

/** Reads the `data-` attributes of `#room`. */
export function readPage(room: HTMLElement): Page {
  const { dataset } = room;
  return {
    room: dataset.room || "",
    address: {
      base: dataset.base || "",
      formToken: document.querySelector<HTMLInputElement>("[name=form_token]")?.value || "",
      ...(dataset.nickname ? { nickname: dataset.nickname } : {}),
    },
    cursor: dataset.cursor || "",
    // The last events may have no line.
    lastSeq: Number(dataset.last || -1),
    lastWhisper: Number(dataset.lastWhisper || 0),
    places: createPlaces(Number(dataset.last || -1)),
    me: {
      id: dataset.memberId || "",
      nickname: dataset.nickname || "",
      color: dataset.color || "",
      ...(dataset.trip ? { trip: dataset.trip } : {}),
    },
    present: dataset.present === "true",
    network: document.querySelector<HTMLElement>("[data-network]")?.dataset.network || "",
    hasOlder: dataset.older === "true",
    lines: Number(dataset.lines || 0),
    isTurned: room.classList.contains("newest-on-top"),
    editMinutes: Number(dataset.editMinutes || 0),
    ignored: openIgnored(dataset.base || ""),
    allowsSilence: dataset.hushed === "true",
    moderates: dataset.moderates === "true",
    words: JSON.parse(dataset.words || "{}") as ScriptWords,
  };
}
