import type { Page } from "../page.ts";
import type { ScriptWords } from "../words.ts";

/** Reads the `data-` attributes of `#room`. */
export function readPage(room: HTMLElement): Page {
  const { dataset } = room;
  const lines = room.querySelectorAll<HTMLElement>("#log [data-seq]");
  return {
    room: dataset.room || "",
    address: {
      base: dataset.base || "",
      formToken: document.querySelector<HTMLInputElement>("[name=form_token]")?.value || "",
      ...(dataset.nickname ? { nickname: dataset.nickname } : {}),
    },
    cursor: dataset.cursor || "",
    lastSeq: Number(lines[lines.length - 1]?.dataset.seq ?? -1),
    me: {
      id: dataset.memberId || "",
      nickname: dataset.nickname || "",
      color: dataset.color || "",
      ...(dataset.trip ? { trip: dataset.trip } : {}),
    },
    present: dataset.present === "true",
    network: document.querySelector<HTMLElement>("[data-network]")?.dataset.network || "",
    hasOlder: dataset.older === "true",
    words: JSON.parse(dataset.words || "{}") as ScriptWords,
  };
}
