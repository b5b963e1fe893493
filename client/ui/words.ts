import { grouped } from "../../protocol/line.ts";

/** The words the script needs, in the page's language; their one source is server/pages/ja.ts and en.ts (`script`). */
export type Words = {
  entered: string;
  left: string;
  live: string;
  slow: string;
  doctor: string;
  catchingUp: string;
  offline: string;
  peopleFigures: string;
  peopleCut: string;
  typing: string;
  newRemarks: string;
  sending: string;
  kept: string;
  refused: string;
  resend: string;
  discard: string;
  tooLong: string;
  olderFailed: string;
  refusals: { [code: string]: string };
};

/** Puts values in the places of `{name}` in a text. */
export function fill(text: string, values: { [name: string]: string | number }): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** Says how many members and visitors a room has. */
export function figuresOf(words: Words, { members, visitors }: { members: number; visitors: number }): string {
  return fill(words.peopleFigures, { members: grouped(members), visitors: grouped(visitors) });
}

/** Says how many of a room's members are shown; nothing if all of them are. */
export function cutOf(words: Words, shown: number, members: number): string {
  return members > shown ? fill(words.peopleCut, { shown: grouped(shown), members: grouped(members) }) : "";
}
