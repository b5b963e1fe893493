import { mentionOf } from "../mention.ts";
import type { Composer } from "./composer.ts";

/**
 * Lets each name in the log and in the list of people put "@name " into the field, by click and by
 * key. One's own name opens the form for another name and color.
 */
export function connectNames(root: HTMLElement, composer: Composer, mine: { id: string; rename(): void }): void {
  const press = (target: EventTarget | null) => {
    const name = target instanceof Element ? target.closest<HTMLElement>(".nickname[role=button]") : null;
    if (name === null) return false;
    // A part of the name may have been selected, to be copied.
    if (document.getSelection()?.isCollapsed === false) return false;
    const owner = name.closest<HTMLElement>("[data-member-id]");
    if (owner?.dataset.memberId === mine.id) mine.rename();
    else composer.insert((before) => mentionOf(name.textContent || "", before));
    return true;
  };
  root.addEventListener("click", ({ target }) => press(target));
  root.addEventListener("keydown", (event) => {
    const isPress = event.key === "Enter" || event.key === " ";
    if (isPress && press(event.target)) event.preventDefault();
  });
}
