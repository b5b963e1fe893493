import type { RoomEvent } from "../../protocol/event.ts";
import { hasLine, isErased } from "../../protocol/line.ts";
import { fill, wordsOf } from "./language.ts";
import { createWallClock, type TimeLayout } from "./time-stamp.ts";
import type { PageWords } from "./words/ja.ts";

/** A line that continues a message cannot be taken for another message. */
const CONTINUED = "\n    ";

/**
 * Returns a function that writes events as lines of text, `[2026-11-30 02:58] ann: text`, in a
 * language and a time zone.
 */
export function createLogText({ language, timeZone }: TimeLayout): (events: RoomEvent[]) => string {
  const words = wordsOf(language);
  const clock = createWallClock(timeZone);
  let minute = "";
  let shown = "";
  const lineOf = (event: RoomEvent) => `[${timeOf(event.at)}] ${sentenceOf(words, event)}\n`;
  return (events) =>
    events
      .filter(({ kind }) => hasLine(kind))
      .map(lineOf)
      .join("");

  /** Most lines are of the same minute as the line before. */
  function timeOf(at: string): string {
    if (at.slice(0, 16) === minute) return shown;
    minute = at.slice(0, 16);
    const wall = clock(new Date(at));
    const [year, ...rest] = [wall.year, wall.month, wall.day, wall.hour, wall.minute].map(twoDigits);
    shown = `${year}-${rest[0]}-${rest[1]} ${rest[2]}:${rest[3]}`;
    return shown;
  }
}

function twoDigits(figure: number): string {
  return String(figure).padStart(2, "0");
}

/** Returns the words of a line. */
function sentenceOf({ script }: PageWords, event: RoomEvent): string {
  const { member } = event;
  const name = member.nickname + (member.tag === undefined ? "" : ` ·${member.tag}`) + (member.trip ?? "");
  if (event.kind === "enter") return `${name} ${script.entered}`;
  if (event.kind === "leave") return `${name} ${script.left}`;
  if (event.kind === "rename") {
    const { nickname: former, trip } = event.former;
    const isSame = former === member.nickname && trip === member.trip;
    return `${name} ${isSame ? script.recolored : fill(script.renamed, { former })}`;
  }
  const text = isErased(event) ? script.erased : (event.text ?? "");
  return `${name}: ${text.replace(/\r\n|[\n\r\u2028\u2029]/g, CONTINUED)}`;
}
