import { attr } from "./dom.ts";

/**
 * Makes each button of the lobby enter its own room. [IE7] A button sends what is written on it in the place of its
 * value, [IE6] and so do all the others of the form: they are switched off, and the room goes as a hidden field.
 */
export function openLobby(form: PageElement): void {
  const buttons = form.getElementsByTagName("button");
  for (let i = 0; i < buttons.length; i++) openButton(buttons[i] as PageElement);

  function openButton(button: PageElement): void {
    const slug = attr(button, "value");
    button.onclick = () => {
      for (let i = 0; i < buttons.length; i++) (buttons[i] as PageElement).disabled = true;
      const place = form.appendChild(document.createElement("p"));
      // [IE7] a made field gets no name; a slug has none of HTML's characters
      place.innerHTML = `<input type="hidden" name="room" value="${slug}">`;
      form.submit();
      return false;
    };
  }
}
