import { openConversation } from "./conversation.ts";
import { attr, byId } from "./dom.ts";
import { openLobby } from "./lobby.ts";

// An open request keeps old browsers "loading", so the first one is sent when the page is done.
const SETTLED_MS = 250;

// [IE8] An element that it does not know by now cannot have children.
const ELEMENTS = ["main", "header", "nav", "section", "details", "summary", "template", "time"];
for (let i = 0; i < ELEMENTS.length; i++) document.createElement(ELEMENTS[i] as string);

swapStyle();

window.onload = () => {
  const room = byId("room");
  const enter = byId("enter");
  const ownerKey = byId("key");
  if (ownerKey !== undefined) ownerKey.value = location.hash.replace(/^#/, "");
  if (room !== undefined) setTimeout(() => openConversation(room), SETTLED_MS);
  else if (enter !== undefined) openLobby(enter);
};

/**
 * Replaces the new style sheet by the old one, unless a conditional comment has already done so.
 */
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
