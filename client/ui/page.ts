import type { Member } from "../../protocol/event.ts";
import type { Address } from "../core/reading/url.ts";
import type { Words } from "./words.ts";

/** What the server left for the script in a room's page. `lastSeq` is -1 when the log was empty. */
export type Page = {
  room: string;
  address: Address;
  cursor: string;
  lastSeq: number;
  me: Member;
  present: boolean;
  /** The server's name for the network this page came through, "" if it gave none. */
  network: string;
  hasOlder: boolean;
  words: Words;
};

/** Reads the `data-` attributes of `#room`. */
export function readPage(room: HTMLElement): Page {
  const { dataset } = room;
  const lines = room.querySelectorAll<HTMLElement>("#log > [data-seq]");
  return {
    room: dataset.room ?? "",
    address: {
      base: dataset.base ?? "",
      formToken: document.querySelector<HTMLInputElement>("[name=form_token]")?.value ?? "",
      ...(dataset.nickname ? { nickname: dataset.nickname } : {}),
    },
    cursor: dataset.cursor ?? "",
    lastSeq: Number(lines[lines.length - 1]?.dataset.seq ?? -1),
    me: {
      id: dataset.memberId ?? "",
      nickname: dataset.nickname ?? "",
      color: dataset.color ?? "",
      ...(dataset.trip ? { trip: dataset.trip } : {}),
    },
    present: dataset.present === "true",
    network: document.querySelector<HTMLElement>("[data-network]")?.dataset.network ?? "",
    hasOlder: dataset.older === "true",
    words: JSON.parse(dataset.words ?? "{}") as Words,
  };
}

/** An element that the page must have. */
export function part<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no #${id}.`);
  return element as Kind;
}
