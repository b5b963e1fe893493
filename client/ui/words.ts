import { grouped } from "../../protocol/line.ts";

/** The words the script needs, in the page's language; their one source is server/pages/words/ja.ts and en.ts (`script`). */
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
  newMessages: string;
  sending: string;
  kept: string;
  refused: string;
  resend: string;
  discard: string;
  tooLong: string;
  olderFailed: string;
  refusals: { [code: string]: string };
};

/** Puts values in the places of `{name}` in a text, numbers with a comma between thousands. */
export function fill(text: string, values: { [name: string]: string | number }): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => grouped(values[name] ?? ""));
}
