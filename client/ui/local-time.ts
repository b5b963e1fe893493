/** Puts the reader's own time in the place of the server's UTC in all `<time>` of a part of the page. */
export function showLocalTimes(root: ParentNode): void {
  for (const time of root.querySelectorAll<HTMLTimeElement>("time[datetime]")) showLocalTime(time, time.dateTime);
}

/** Writes a moment as 24-hour time of the reader's day, with the date when that day is not today. */
export function showLocalTime(element: HTMLTimeElement, at: string): void {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return;
  const time = `${twoDigits(moment.getHours())}:${twoDigits(moment.getMinutes())}`;
  const isToday = moment.toDateString() === new Date().toDateString();
  element.dateTime = at;
  element.textContent = isToday ? time : `${moment.getMonth() + 1}/${moment.getDate()} ${time}`;
  element.title = moment.toLocaleString(document.documentElement.lang);
}

function twoDigits(figure: number): string {
  return String(figure).padStart(2, "0");
}
