/** How a moment reads, both on the page from the server and in the lines that a script adds. */

/** A moment on the clock and the calendar of a time zone. `month` is 1 to 12. */
export type WallTime = { year: number; month: number; day: number; hour: number; minute: number };

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * Returns a moment as 24-hour time, with the date unless it is today, and with the year unless it
 * is this year's.
 */
export function momentText(moment: WallTime, now: WallTime, language: string): string {
  const { year, month, day, hour, minute } = moment;
  const time = `${twoDigits(hour)}:${twoDigits(minute)}`;
  if (isSameDay(moment, now)) return time;
  const isOther = year !== now.year;
  if (language === "ja") return `${isOther ? `${year}/` : ""}${month}/${day} ${time}`;
  return `${MONTHS[month - 1]} ${day}${isOther ? `, ${year}` : ""} ${time}`;
}

/** Returns whether two moments are on the same day. */
export function isSameDay(one: WallTime, other: WallTime): boolean {
  return one.year === other.year && one.month === other.month && one.day === other.day;
}

function twoDigits(figure: number): string {
  return figure < 10 ? `0${figure}` : String(figure);
}
