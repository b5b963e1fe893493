/** Creates a mark in a line or an item. */
export function createMark(className: string, text: string): HTMLElement {
  const mark = document.createElement("span");
  mark.className = className;
  mark.textContent = text;
  return mark;
}
