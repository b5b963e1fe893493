import { describe, expect, test } from "@jest/globals";
import type { RoomEvent } from "../../protocol/event.ts";
import { momentText } from "../../protocol/moment.ts";
import type { PageLayout } from "../../server/pages/layout.ts";
import { type LogView, logLines, newestFirst } from "../../server/pages/log-lines.ts";
import { timeStamp } from "../../server/pages/time-stamp.ts";

const TOKYO = {
  language: "en",
  timeZone: "Asia/Tokyo",
  canOpen: true,
  view: { isNewestOnTop: false, lines: 0 },
} as PageLayout;
const NOON = "2024-03-01T03:00:00.000Z";

function event(seq: number, kind: RoomEvent["kind"], at = NOON): RoomEvent {
  const member = { id: `m${seq}`, nickname: `name ${seq}`, color: "#b3261e" };
  return { room: "lobby", seq, kind, member, at, ...(kind === "message" && { text: `text ${seq}` }) } as RoomEvent;
}

/** Returns events of these kinds: `m` a message, `e` an enter, `l` a leave. */
function events(kinds: string, from = 1, at = NOON): RoomEvent[] {
  const names = { m: "message", e: "enter", l: "leave" } as const;
  return [...kinds].map((kind, n) => event(from + n, names[kind as "m"], at));
}

/** Describes each line: a day's name, a run's sentence with the seqs in it, or a seq. */
function shapeOf(lines: { toString(): string }[]): string[] {
  return lines.map(String).map((line) => {
    const seqs = [...line.matchAll(/data-seq="(\d+)"/g)].map(([, seq]) => seq);
    const day = /class="day".*<time[^>]*>(.*)<\/time>/.exec(line)?.[1];
    const sentence = /<summary>(.*)<\/summary>/.exec(line)?.[1];
    return day ?? (sentence ? `${sentence}: ${seqs.join(" ")}` : seqs.join(" "));
  });
}

const shown = (view: LogView, layout = TOKYO) => shapeOf(logLines(layout, view)).slice(1);

describe("a run of people who come and go", () => {
  test("is one line that opens, with a line for each event in it", () => {
    expect(shown({ events: events("meelm") })).toEqual(["1", "2 came, 1 left: 2 3 4", "5"]);
    expect(shown({ events: events("meee") })).toEqual(["1", "3 came: 2 3 4"]);
    expect(shown({ events: events("llll") }, { ...TOKYO, language: "ja" })).toEqual(["4人が退室: 1 2 3 4"]);
  });

  test("of less than three stays as it is", () => {
    expect(shown({ events: events("eemlme") })).toEqual(["1", "2", "3", "4", "5", "6"]);
  });

  test("counts what the page leaves out of it", () => {
    const skipped = [{ first: 3, last: 1202, enters: 1000, leaves: 200 }];
    const kept = [event(1, "message"), event(2, "enter"), event(1203, "leave"), event(1204, "message")];
    expect(shown({ events: kept, skipped })).toEqual(["1", "1,001 came, 201 left: 2 1203", "1204"]);
    const markup = logLines(TOKYO, { events: kept, skipped }).join("");
    expect(markup).toContain(
      '<li class="skipped" value="3" data-first="3" data-last="1202" data-enters="1000" data-leaves="200">1,200 more</li>',
    );
  });

  test("that is too long to be counted, and of which no line is shown, is one line too", () => {
    const kept = [event(1, "message"), event(90_002, "message")];
    expect(shown({ events: kept, skipped: [{ first: 2, last: 90_001 }] })).toEqual([
      "1",
      "90,000 came or left: ",
      "90002",
    ]);
  });

  test("is a sentence without its lines in a browser that would show all of them", () => {
    const lines = logLines({ ...TOKYO, canOpen: false }, { events: events("meee") }).map(String);
    expect(lines.at(-1)).toBe('<li class="folded" value="2">3 came</li>\n');
  });
});

describe("a day of the site's time zone", () => {
  const late = "2024-03-01T14:59:59.000Z";
  const early = "2024-03-01T15:00:00.000Z";

  test("has its name above its first line, and ends a run", () => {
    const view = { events: [...events("meee", 1, late), ...events("eeem", 5, early)] };
    expect(shapeOf(logLines(TOKYO, view))).toEqual([
      "Friday, March 1, 2024",
      "1",
      "3 came: 2 3 4",
      "Saturday, March 2, 2024",
      "3 came: 5 6 7",
      "8",
    ]);
    // A style sheet turns them round again. Text browsers have none.
    expect(shapeOf(newestFirst(TOKYO, view))).toEqual(shapeOf(logLines(TOKYO, view)).reverse());
    expect(shapeOf(newestFirst({ ...TOKYO, language: "ja", canOpen: false }, view))).toEqual([
      "2024年3月2日土曜日",
      "8",
      "",
      "2024年3月1日金曜日",
      "",
      "1",
    ]);
  });

  test("is not named again below a line of the same day", () => {
    const [previous] = events("m", 1, late);
    expect(shapeOf(logLines(TOKYO, { events: events("m", 2, late), previous }))).toEqual(["2"]);
    expect(shapeOf(logLines(TOKYO, { events: events("m", 2, early), previous }))).toEqual([
      "Saturday, March 2, 2024",
      "2",
    ]);
  });

  test("is not named if it is today and the first one", () => {
    expect(shapeOf(logLines(TOKYO, { events: events("m", 1, new Date().toISOString()) }))).toEqual(["1"]);
  });

  test("shows whose message it is again, though the same person wrote just before", () => {
    const member = { id: "ann", nickname: "Ann", color: "#b3261e" };
    const view = { events: [...events("m", 1, late), ...events("m", 2, early)].map((one) => ({ ...one, member })) };
    expect(logLines(TOKYO, view).join("")).not.toContain("follows");
    expect(logLines({ ...TOKYO, timeZone: "UTC" }, view).join("")).toContain("follows");
  });
});

describe("a time", () => {
  test("is that of the site's time zone, which its title names", () => {
    expect(timeStamp(TOKYO, "2024-03-01T17:54:00.000Z").toString()).toBe(
      '<time datetime="2024-03-01T17:54:00.000Z" title="3/2/2024, 02:54 GMT+9">Mar 2, 2024 02:54</time>',
    );
    expect(timeStamp({ ...TOKYO, language: "ja" }, "2024-03-01T17:54:00.000Z").toString()).toContain(
      'title="2024/3/2 02:54 JST">2024/3/2 02:54</time>',
    );
  });

  test("has a date unless it is today, and a year unless it is this year's", () => {
    const now = { year: 2026, month: 11, day: 30, hour: 9, minute: 5 };
    const texts = (language: string) =>
      [now, { ...now, day: 29 }, { ...now, year: 2025 }].map((moment) => momentText(moment, now, language));
    expect(texts("en")).toEqual(["09:05", "Nov 29 09:05", "Nov 30, 2025 09:05"]);
    expect(texts("ja")).toEqual(["09:05", "11/29 09:05", "2025/11/30 09:05"]);
  });
});
