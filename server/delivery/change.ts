import type { Member, RoomEdit, RoomErase, RoomEvent, RoomUnname } from "../../protocol/event.ts";
import { type EncodedEvent, encodeEvent } from "./frames.ts";

/**
 * Returns an event of a tail as it is in the log once a message was edited or erased, or a name
 * erased: the message or notice has its new state, earlier edits of it have no text, and the member
 * has its new name.
 */
export function afterChange(encoded: EncodedEvent, change: RoomEdit | RoomErase | RoomUnname): EncodedEvent {
  if (change.kind === "unname") return unnamed(encoded, change);
  const { seq, edits, changedBy } = encoded;
  if (seq === change.target) return changedBy < change.seq ? messageAfter(encoded, change) : encoded;
  if (edits !== change.target || seq >= change.seq) return encoded;
  const { text: _former, ...edit } = JSON.parse(encoded.json) as RoomEvent;
  return encodeEvent(edit as RoomEvent);
}

function unnamed(encoded: EncodedEvent, { seq, member }: RoomUnname): EncodedEvent {
  if (encoded.seq >= seq || !encoded.json.includes(member.id)) return encoded;
  const event = JSON.parse(encoded.json) as RoomEvent;
  const named = <One extends Member>(one: One) => (one.id === member.id ? { ...member, color: one.color } : one);
  const renamed = {
    ...event,
    member: named(event.member),
    ...(event.kind === "rename" && { former: named(event.former) }),
    ...(event.kind === "whisper" && { to: named(event.to) }),
  };
  return { ...encodeEvent(renamed as RoomEvent), changedBy: encoded.changedBy };
}

function messageAfter(encoded: EncodedEvent, change: RoomEdit | RoomErase): EncodedEvent {
  const message = JSON.parse(encoded.json) as RoomEvent & { edited?: true; erased?: true };
  // A later event has changed the message again, or the log had it erased when it was read.
  if (message.erased || (change.kind === "edit" && change.text === undefined)) return encoded;
  const { text: _former, edited: _edited, ...rest } = message;
  const changed = change.kind === "edit" ? { ...rest, text: change.text, edited: true } : { ...rest, erased: true };
  return { ...encodeEvent(changed as RoomEvent), changedBy: change.seq };
}
