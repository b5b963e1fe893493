import type { Member, RoomEvent } from "../../protocol/event.ts";
import { type Html, html } from "./html.ts";
import { wordsOf } from "./language.ts";
import type { PageLayout } from "./layout.ts";

/** Returns the events of a room with the reader's whispers among them, in the order of time. */
export function withWhispers(events: RoomEvent[], whispers: RoomEvent[] = []): RoomEvent[] {
  if (whispers.length === 0) return events;
  const rest = [...whispers];
  const all: RoomEvent[] = [];
  for (const event of events) {
    while (rest[0] !== undefined && rest[0].at < event.at) all.push(rest.shift() as RoomEvent);
    all.push(event);
  }
  return [...all, ...rest];
}

/** Renders to whom a whisper was said. */
export function whisperMark({ language, member }: PageLayout, to: Member): Html {
  const { script } = wordsOf(language);
  if (to.id === member?.id) return html`<span class="whisper-mark">${script.whisperToMe}</span> `;
  const [before, after] = script.whisperTo.split("{nickname}");
  return html`<span class="whisper-mark">${before}<bdi translate="no">${to.nickname}</bdi>${after}</span> `;
}

/** Renders the choice of a receiver for a message, for browsers without script. */
export function receiverChoice({ language, member }: PageLayout, members: Member[], chosen?: string): Html | undefined {
  const others = members.filter(({ id }) => id !== member?.id);
  if (others.length === 0) return undefined;
  const { receiver } = wordsOf(language);
  const option = ({ id, nickname }: Member) =>
    html`<option value="${id}"${id === chosen && html` selected`}>${nickname}</option>`;
  return html`<label class="receiver">${receiver.label} <select name="to"><option value="">${receiver.everyone}</option>${others.map(option)}</select></label>`;
}
