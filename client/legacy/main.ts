import { openRoom } from "./conversation.ts";
import { attr, byId } from "./dom.ts";
import { openLobby } from "./lobby.ts";

// An open request keeps old browsers "loading": the first begins when they have done with the page.
const SETTLED_MS = 250;

// [IE8] What it does not know by then, it does not take for an element that holds others.
const ELEMENTS = ["main", "header", "nav", "section", "details", "summary", "template", "time"];
for (let i = 0; i < ELEMENTS.length; i++) document.createElement(ELEMENTS[i] as string);

swapStyle();

window.onload = () => {
  const room = byId("room");
  const enter = byId("enter");
  if (room !== undefined) setTimeout(() => openRoom(room), SETTLED_MS);
  else if (enter !== undefined) openLobby(enter);
};

/** Puts the old style sheet in the place of the new one, where the page has not done so by a conditional comment. */
function swapStyle(): void {
  const scripts = document.getElementsByTagName("script");
  for (let i = 0; i < scripts.length; i++) {
    const href = attr(scripts[i] as PageElement, "data-style");
    if (href === "") continue;
    const links = document.getElementsByTagName("link");
    for (let j = links.length - 1; j >= 0; j--) {
      const link = links[j] as PageElement;
      if (link.rel === "stylesheet") link.href = href;
    }
  }
}
