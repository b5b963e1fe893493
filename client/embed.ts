/** Shows a room in the page of another site, see docs/how-to/embed-in-a-page.md. */

const USUAL_HEIGHT = "480px";

type Words = { chat: string; unread(count: number): string };

const WORDS: { en: Words; ja: Words } = {
  en: { chat: "Chat", unread: (count) => `${count} unread` },
  ja: { chat: "チャット", unread: (count) => `未読${count}件` },
};

const { currentScript } = document;
// [HTML 4.12.1.1] A module and a script in a shadow tree are never the current script.
const found = currentScript instanceof HTMLScriptElement ? [currentScript] : scriptsIn(document);
for (const script of found)
  if (script.dataset.embedded === undefined) {
    script.dataset.embedded = "";
    embed(script);
  }

/** Returns the elements that load this script, also those in shadow trees that are open. */
function scriptsIn(root: Document | ShadowRoot): HTMLScriptElement[] {
  const own = [...root.querySelectorAll<HTMLScriptElement>("script[data-room]")];
  const deeper = [...root.querySelectorAll("*")].flatMap(({ shadowRoot }) => (shadowRoot ? scriptsIn(shadowRoot) : []));
  return [...own.filter(({ src }) => /\/embed\.js($|\?)/.test(src)), ...deeper];
}

/** Puts the room that a script element names behind it, or at the end of the page. */
function embed(script: HTMLScriptElement): void {
  const { room, height, button, title, language = document.documentElement.lang } = script.dataset;
  if (!room) throw new Error('chattera: the script element needs data-room, for example data-room="lobby".');
  const words = language.slice(0, 2) === "ja" ? WORDS.ja : WORDS.en;
  const frame = document.createElement("iframe");
  frame.src = addressOf(script.src, room, script.dataset);
  frame.title = title || words.chat;
  frame.className = "chattera-frame";
  frame.allow = "clipboard-write";
  // [CSP] A policy forbids style attributes in markup, and allows styles that a script sets.
  const { style } = frame;
  style.border = "0";
  style.width = "100%";
  style.height = sizeOf(height);
  const shown = button === undefined ? [frame] : [createButton(frame, button || words.chat, words), frame];
  // Nothing is visible in a head, and the body may still be to come.
  if (!script.closest("head")) script.after(...shown);
  else if (document.body) document.body.append(...shown);
  else addEventListener("DOMContentLoaded", () => document.body.append(...shown));
}

/** Returns the room's address. The script is in the site's root, below its base path. */
function addressOf(src: string, room: string, { theme, language }: DOMStringMap): string {
  let address = `${new URL(".", src).href}rooms/${encodeURIComponent(room)};embed=1`;
  if (theme) address += `;theme=${encodeURIComponent(theme)}`;
  if (language) address += `;language=${encodeURIComponent(language)}`;
  return address;
}

function sizeOf(height = ""): string {
  return /^\d+$/.test(height) ? `${height}px` : height || USUAL_HEIGHT;
}

/** Creates a button that shows and hides the frame, and counts what arrives while it is hidden. */
function createButton(frame: HTMLIFrameElement, label: string, words: Words): HTMLButtonElement {
  const button = document.createElement("button");
  const { origin } = new URL(frame.src);
  let isOpen = false;
  let unread = 0;
  button.type = "button";
  button.className = "chattera-button";
  button.onclick = () => {
    isOpen = !isOpen;
    if (isOpen) unread = 0;
    show();
    if (!isOpen) return;
    frame.focus();
    // [Firefox] An element that was hidden a moment ago does not take the focus, but its page does.
    frame.contentWindow?.focus();
  };
  addEventListener("message", ({ source, origin: from, data }) => {
    if (source !== frame.contentWindow || from !== origin || data?.chattera !== "message" || isOpen) return;
    unread++;
    show();
  });
  show();
  return button;

  function show(): void {
    const { style } = frame;
    button.setAttribute("aria-expanded", String(isOpen));
    button.textContent = unread === 0 ? label : `${label} (${words.unread(unread)})`;
    // Hidden, the page in the frame keeps its size, so that its log stays at the newest line.
    style.visibility = isOpen ? "visible" : "hidden";
    style.position = isOpen ? "" : "fixed";
    style.pointerEvents = isOpen ? "" : "none";
    style.top = style.left = isOpen ? "" : "0";
  }
}
