import { type IgnoredPerson, setIgnored } from "../ignored.ts";
import type { Page } from "../page.ts";
import { fill } from "../words.ts";
import { addText, clear, create, createButton } from "./dom.ts";

/**
 * Shows the people whom the reader ignores below the people of the room, each with a button that
 * ends it.
 */
export function createIgnoredList({ ignored, words }: Page, below: PageElement): void {
  const list = create("p", "ignored-people hint");
  list.id = "ignored";
  (below.parentNode as PageElement).insertBefore(list, below.nextSibling);
  const show = () => {
    const { people } = ignored;
    clear(list);
    if (people.length > 0) addText(list, `${fill(words.ignoredPeople, { n: people.length })}: `);
    for (let i = people.length - 1; i >= 0; i--) {
      const person = people[i] as IgnoredPerson;
      const { nickname, trip } = person;
      addText(list, ` ${trip ? `${nickname} ${trip}` : nickname} `);
      const button = list.appendChild(createButton(words.stopIgnoring, () => setIgnored(ignored, person, false)));
      button.setAttribute("aria-label", fill(words.stopIgnoringName, { nickname }));
    }
  };
  ignored.listeners.push(show);
  show();
}
