import type { Member } from "../../protocol/event.ts";
import type { Address } from "../core/base/address.ts";
import type { Page } from "../page.ts";
import { createPlaces } from "../whispers.ts";
import type { ScriptWords } from "../words.ts";
import { attr, valuesOf } from "./dom.ts";
import { openIgnored } from "./ignored-store.ts";
import { json } from "./json.ts";

/** Reads the `data-` attributes of `#room`. */
export function readPage(room: PageElement): Page {
  const data = (name: string) => attr(room, `data-${name}`);
  const address: Address = { base: data("base"), formToken: valuesOf(room).form_token || "" };
  const me: Member = { id: data("member-id"), nickname: data("nickname"), color: data("color") };
  if (me.nickname !== "") address.nickname = me.nickname;
  if (data("trip") !== "") me.trip = data("trip");
  return {
    room: data("room"),
    address,
    cursor: data("cursor"),
    // The last events may have no line.
    lastSeq: Number(data("last") || -1),
    lastWhisper: Number(data("last-whisper")),
    places: createPlaces(Number(data("last") || -1)),
    me,
    present: data("present") === "true",
    network: data("network"),
    hasOlder: data("older") === "true",
    lines: Number(data("lines")),
    isTurned: /newest-on-top/.test(room.className),
    editMinutes: Number(data("edit-minutes")),
    ignored: openIgnored(),
    allowsSilence: data("hushed") === "true",
    moderates: data("moderates") === "true",
    words: json.parse(data("words")) as ScriptWords,
  };
}
