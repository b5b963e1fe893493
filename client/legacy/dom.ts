/**
 * Returns an element of the page. [IE7] getElementById takes a name for an id, and the lobby's
 * buttons are named "room".
 */
export function byId(id: string): PageElement | undefined {
  const element = document.getElementById(id);
  return element !== null && attr(element, "id") === id ? element : undefined;
}

/** Returns an element that the page must have. */
export function part(id: string): PageElement {
  const element = byId(id);
  if (element === undefined) throw `The page has no #${id}.`;
  return element;
}

/**
 * Returns an attribute as it is written in the page. [IE7] getAttribute returns a form's field of
 * that name, and a button's text as its value.
 */
export function attr(element: PageElement, name: string): string {
  const node = element.getAttributeNode(name);
  return node === null ? "" : node.nodeValue;
}

/** Creates an element with a text in it, or an empty one. */
export function create(tag: string, className: string, text = ""): PageElement {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== "") addText(element, text);
  return element;
}

/** Creates a button. */
export function createButton(label: string, act: () => void): PageElement {
  const link = create("a", "button small", label);
  // [IE7] The type of a created button cannot be set, and a "javascript:" address would end an
  // iframe's stream.
  link.href = "#";
  onClick(link, act);
  return link;
}

/** Handles a click, and prevents its default action. */
export function onClick(element: PageElement, act: () => void): void {
  element.onclick = () => {
    act();
    return false;
  };
}

/** Replaces the content of an element by a text, with its line breaks. */
export function setText(element: PageElement, text: string): void {
  clear(element);
  addText(element, text);
}

/** Appends a text with its line breaks. [IE7] It has no `white-space: pre-wrap`. */
export function addText(element: PageElement, text: string): void {
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    if (i > 0) element.appendChild(document.createElement("br"));
    element.appendChild(document.createTextNode(lines[i] as string));
  }
}

/** Removes everything from an element. */
export function clear(element: PageElement): void {
  while (element.firstChild !== null) element.removeChild(element.firstChild);
}

/** Whether an element has a class. */
export function hasClass({ className }: PageElement, name: string): boolean {
  return ` ${className} `.indexOf(` ${name} `) >= 0;
}

/** Returns the first span in an element that has a class. */
export function spanOf(element: PageElement, name: string): PageElement | undefined {
  const spans = element.getElementsByTagName("span");
  for (let i = 0; i < spans.length; i++) if (hasClass(spans[i] as PageElement, name)) return spans[i];
  return undefined;
}

/** Returns the text in an element, as addText() writes it. [IE8] It has no textContent. */
export function plainText({ childNodes }: PageElement): string {
  let text = "";
  for (let i = 0; i < childNodes.length; i++) {
    const node = childNodes[i] as PageElement;
    text += node.nodeType === 3 ? node.nodeValue : node.nodeName === "BR" ? "\n" : plainText(node);
  }
  return text;
}

/** Moves everything in an element into another one. */
export function moveContent(from: PageElement, to: PageElement): void {
  while (from.firstChild !== null) to.appendChild(from.firstChild);
}

/** Removes an element from the page. */
export function remove(element: PageElement): void {
  element.parentNode?.removeChild(element);
}

/** Shows or hides an element. [IE10] `hidden` is a word without effect before it. */
export function show(element: PageElement, is: boolean): void {
  element.removeAttribute("hidden");
  element.style.display = is ? "" : "none";
}

/** Returns the values of a form's fields, by name; of several with one name, the checked one. */
export function valuesOf(form: PageElement): { [name: string]: string } {
  const values: { [name: string]: string } = {};
  const inputs = form.getElementsByTagName("input");
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i] as PageElement;
    if (input.type !== "radio" || input.checked) values[input.name] = input.value;
  }
  return values;
}
