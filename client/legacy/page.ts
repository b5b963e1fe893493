import type { Member } from "../../protocol/event.ts";
import type { Address } from "../core/base/address.ts";
import type { Page } from "../page.ts";
import type { ScriptWords } from "../words.ts";
import { attr, valuesOf } from "./dom.ts";
import { openIgnored } from "./ignored-store.ts";
import { json } from "./json.ts";

/** Reads the `data-` attributes of `#room`; `log` has the lines that the server wrote. */
export function readPage(room: PageElement, log: PageElement): Page {
  const data = (name: string) => attr(room, `data-${name}`);
  const lines = log.getElementsByTagName("li");
  let lastSeq = -1;
  for (let i = 0; i < lines.length; i++) lastSeq = Math.max(lastSeq, Number(attr(lines[i] as PageElement, "data-seq")));
  const address: Address = { base: data("base"), formToken: valuesOf(room).form_token || "" };
  const me: Member = { id: data("member-id"), nickname: data("nickname"), color: data("color") };
  if (me.nickname !== "") address.nickname = me.nickname;
  if (data("trip") !== "") me.trip = data("trip");
  return {
    room: data("room"),
    address,
    cursor: data("cursor"),
    lastSeq,
    me,
    present: data("present") === "true",
    network: data("network"),
    hasOlder: data("older") === "true",
    lines: Number(data("lines")),
    isTurned: /newest-on-top/.test(room.className),
    ignored: openIgnored(),
    allowsSilence: data("hushed") === "true",
    words: json.parse(data("words")) as ScriptWords,
  };
}
