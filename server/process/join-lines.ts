import type { Member, RoomEvent } from "../../protocol/event.ts";

/** Shows events as lines of text. */
export type EventLines = {
  /** Returns an event as a line, behind the day if that is another one; empty for one without. */
  of(event: RoomEvent): string[];
  /** Returns a line of the program's own. */
  aside(text: string): string;
};

/**
 * Creates the lines of a room for a terminal. `colorBits` says how many colors it shows: 1 (none),
 * 4, 8 or 24 bits.
 */
export function createLines(colorBits: number): EventLines {
  let day = "";
  return { of: linesOf, aside: (text) => dim(`-- ${clean(text)}`) };

  function linesOf(event: RoomEvent): string[] {
    const line = lineOf(event);
    if (line === undefined) return [];
    const at = new Date(event.at);
    const today = at.toLocaleDateString(undefined, { dateStyle: "full" });
    const time = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
    const before = today === day ? [] : [dim(`---- ${today} ----`)];
    day = today;
    return [...before, `${dim(time)} ${line}`];
  }

  /** The lines of a text after its first one are indented below it. */
  function lineOf(event: RoomEvent): string | undefined {
    const { kind, member } = event;
    const name = clean(member.nickname);
    const text = clean(event.text ?? "").replaceAll("\n", "\n      ");
    switch (kind) {
      case "message":
        return event.erased ? dim("(erased)") : `${nameOf(member)} ${text}`;
      case "whisper":
        return `${nameOf(member)} ${dim(`(whisper to ${clean(event.to.nickname)})`)} ${event.erased ? dim("(erased)") : text}`;
      case "edit":
        return event.text === undefined ? undefined : `${dim(`${name} edited:`)} ${text}`;
      case "erase":
        return dim(`a message of ${name} was erased`);
      case "enter":
        return dim(`${name} entered`);
      case "leave":
        return dim(event.by === undefined ? `${name} left` : `${name} was removed`);
      case "rename":
        return dim(`${clean(event.former.nickname)} is now ${name}`);
      case "notice":
        return dim(event.erased ? "(erased)" : text);
      default:
        return undefined;
    }
  }

  /** Returns a nickname in its color, as far as the terminal shows it. */
  function nameOf({ nickname, trip = "", color }: Member): string {
    const levels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
    const [red = 0, green = 0, blue = 0] = levels;
    const exact = `38;2;${red};${green};${blue};`;
    // [ECMA-48 and xterm] The 6 × 6 × 6 colors of a terminal with 256 begin at 16.
    const [r = 0, g = 0, b = 0] = levels.map((level) => Math.round((level * 5) / 255));
    const near = `38;5;${16 + 36 * r + 6 * g + b};`;
    const codes = colorBits >= 24 ? exact : colorBits >= 8 ? near : "";
    return styled(`${codes}1`, `${clean(nickname + trip)}:`);
  }

  function dim(text: string): string {
    return styled("2", text);
  }

  function styled(codes: string, text: string): string {
    return colorBits > 1 ? `\x1b[${codes}m${text}\x1b[0m` : text;
  }
}

/** A control character would be a command to the terminal. */
function clean(text: string): string {
  return text.replace(/[\p{Cc}--\n]/gv, "");
}
