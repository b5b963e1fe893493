/** An element of the page. [IE7] getElementById takes a name for an id: the lobby's buttons are named "room". */
export function byId(id: string): PageElement | undefined {
  const element = document.getElementById(id);
  return element !== null && attr(element, "id") === id ? element : undefined;
}

/** An element that the page must have. */
export function part(id: string): PageElement {
  const element = byId(id);
  if (element === undefined) throw `The page has no #${id}.`;
  return element;
}

/** An attribute as it stands in the page. [IE7] getAttribute gives a form's field of that name, a button's text as its value. */
export function attr(element: PageElement, name: string): string {
  const node = element.getAttributeNode(name);
  return node === null ? "" : node.nodeValue;
}

/** A new element with a text in it. */
export function create(tag: string, className: string, text = ""): PageElement {
  const element = document.createElement(tag);
  element.className = className;
  setText(element, text);
  return element;
}

/** A button that does something. */
export function createButton(label: string, act: () => void): PageElement {
  const link = create("a", "button small", label);
  // [IE7] what a button is cannot be set on a made one; and an address of "javascript:" would end a frame's stream
  link.href = "#";
  onClick(link, act);
  return link;
}

/** Does something at a click, and nothing else. */
export function onClick(element: PageElement, act: () => void): void {
  element.onclick = () => {
    act();
    return false;
  };
}

/** Puts a text in the place of what is in an element; a line's end becomes one on the screen. */
export function setText(element: PageElement, text: string): void {
  clear(element);
  addText(element, text);
}

/** Adds a text. [IE7] has no `white-space: pre-wrap`. */
export function addText(element: PageElement, text: string): void {
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    if (i > 0) element.appendChild(document.createElement("br"));
    element.appendChild(document.createTextNode(lines[i] as string));
  }
}

/** Takes everything out of an element. */
export function clear(element: PageElement): void {
  while (element.firstChild !== null) element.removeChild(element.firstChild);
}

/** Takes an element out of the page. */
export function remove(element: PageElement): void {
  element.parentNode?.removeChild(element);
}

/** Shows or hides. [IE10] `hidden` is a word without effect before it. */
export function show(element: PageElement, is: boolean): void {
  element.removeAttribute("hidden");
  element.style.display = is ? "" : "none";
}

/** The fields of a form that have a value, by name; of several of one name the chosen one. */
export function valuesOf(form: PageElement): { [name: string]: string } {
  const values: { [name: string]: string } = {};
  const inputs = form.getElementsByTagName("input");
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i] as PageElement;
    if (input.type !== "radio" || input.checked) values[input.name] = input.value;
  }
  return values;
}
