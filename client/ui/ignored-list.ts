import { setIgnored } from "../ignored.ts";
import type { Page } from "../page.ts";
import { fill } from "../words.ts";

/**
 * Shows the people whom the reader ignores below the people of the room, each with a button that
 * ends it.
 */
export function createIgnoredList({ ignored, words }: Page, people: HTMLElement): void {
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const list = document.createElement("ul");
  details.id = "ignored";
  details.className = "ignored-people";
  details.append(summary, list);
  const show = () => {
    const hadFocus = details.contains(document.activeElement);
    const items = ignored.people.map((person) => {
      const item = document.createElement("li");
      const name = document.createElement("bdi");
      const button = document.createElement("button");
      name.translate = false;
      name.textContent = person.trip ? `${person.nickname} ${person.trip}` : person.nickname;
      Object.assign(button, { type: "button", className: "button quiet small", textContent: words.stopIgnoring });
      button.setAttribute("aria-label", fill(words.stopIgnoringName, { nickname: person.nickname }));
      button.addEventListener("click", () => setIgnored(ignored, person, false));
      item.append(name, " ", button);
      return item;
    });
    summary.textContent = fill(words.ignoredPeople, { n: items.length });
    list.replaceChildren(...items.reverse());
    if (items.length === 0) details.remove();
    else if (!details.isConnected) people.append(details);
    // The button that had it is gone.
    if (hadFocus && details.isConnected) summary.focus();
  };
  ignored.listeners.push(show);
  show();
}
