/** Replaces the server's UTC by the reader's own time in all `<time>` of a part of the page. */
export function showLocalTimes(root: ParentNode): void {
  for (const time of root.querySelectorAll<HTMLTimeElement>("time[datetime]")) showLocalTime(time, time.dateTime);
}

/** Shows a moment as the reader's 24-hour time, with the date if that is not today. */
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
