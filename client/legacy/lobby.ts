import { attr } from "./dom.ts";

/**
 * Lets each button of the lobby enter its own room. [IE7] A button sends its label instead of its
 * value, [IE6] and so do all other buttons of the form. They are disabled, and a hidden field names
 * the room.
 */
export function openLobby(form: PageElement): void {
  const buttons = form.getElementsByTagName("button");
  for (let i = 0; i < buttons.length; i++) openButton(buttons[i] as PageElement);

  function openButton(button: PageElement): void {
    const slug = attr(button, "value");
    button.onclick = () => {
      for (let i = 0; i < buttons.length; i++) (buttons[i] as PageElement).disabled = true;
      const place = form.appendChild(document.createElement("p"));
      // [IE7] A created field gets no name. A slug has none of HTML's special characters.
      place.innerHTML = `<input type="hidden" name="room" value="${slug}">`;
      form.submit();
      return false;
    };
  }
}
