import { roomNameFor } from "../../protocol/room-name.ts";

/**
 * Proposes the address of a new room while its title is typed, until the address is typed too. The
 * server makes up that of a room by link only, so that nobody can guess it.
 */
export function openRoomForm(form: HTMLFormElement): void {
  const { elements } = form;
  const title = elements.namedItem("title") as HTMLInputElement;
  const slug = elements.namedItem("slug") as HTMLInputElement;
  let isTyped = slug.value !== "";
  form.addEventListener("input", ({ target }) => {
    if (target === slug) isTyped = slug.value !== "";
    else if (!isTyped) slug.value = form.querySelector('[value="0"]:checked') ? "" : roomNameFor(title.value);
  });
}
