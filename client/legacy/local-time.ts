const DAYS = "日月火水木金土";

/** Returns a moment of the wire in milliseconds. [IE8] Date cannot parse ISO dates. */
export function momentOf(at: string): number {
  const figures = at.replace(/\D/g, " ").split(" ");
  const figure = (i: number) => Number(figures[i]);
  return Date.UTC(figure(0), figure(1) - 1, figure(2), figure(3), figure(4));
}

/** Returns the 24-hour time of a moment where the reader is. */
export function timeOf(ms: number): string {
  const moment = new Date(ms);
  return `${twoDigits(moment.getHours())}:${twoDigits(moment.getMinutes())}`;
}

/**
 * Returns the words for a moment's day where the reader is. They have the year, so that they stay
 * right.
 */
export function dayOf(ms: number): string {
  const moment = new Date(ms);
  // [JScript, V8] Mon Nov 30 2026
  if (document.documentElement.lang !== "ja") return moment.toDateString();
  const day = DAYS.charAt(moment.getDay());
  return `${moment.getFullYear()}年${moment.getMonth() + 1}月${moment.getDate()}日(${day})`;
}

function twoDigits(figure: number): string {
  return figure < 10 ? `0${figure}` : String(figure);
}
