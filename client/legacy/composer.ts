import { byId, show } from "./dom.ts";
import { leadKeysTo, takeFocus } from "./keyboard.ts";

// A message may begin with spaces: in a drawing, they are a part of it. [JScript] \s has neither
// U+00A0 nor U+3000.
const EMPTY_LINES = /^(?:[ \t\u00a0\u3000]*\n)+/;
const SPACES_AT_END = /[\s\u00a0\u3000]+$/;
const UP = 38;

/** The effects of a composer. */
export type OldComposerUse = {
  say(text: string): void;
  /** Returns the texts of one's own messages, the last one first. */
  ownTexts(): string[];
};

/** The form in which a message is written. */
export type OldComposer = {
  /** Returns what is written and not sent. */
  draft(): string;
  /** Puts a text before what was written, to be written again. */
  write(text: string): void;
  /** Puts a draft into the field if it is empty. Returns whether the field has the draft. */
  restore(draft: string): boolean;
  /** Puts a text at the cursor. */
  insert(text: (before: string) => string): void;
};

/** A form, its field and what belongs to it. */
type OldForm = {
  field: PageElement;
  use: OldComposerUse;
  /** How many messages back the field shows one's own, and its text. */
  back: number;
  shown: string;
};

/** Brings the form in which a message is written to life. Its field gets the focus. */
export function openComposer(element: PageElement, use: OldComposerUse): OldComposer {
  const field = element.getElementsByTagName("textarea")[0] as PageElement;
  const button = element.getElementsByTagName("button")[0];
  const form: OldForm = { field, use, back: 0, shown: "" };
  field.onkeydown = (event) => {
    const { keyCode, shiftKey, altKey, ctrlKey } = event || window.event;
    if (keyCode === UP && !shiftKey && !altKey && !ctrlKey) return recall(form);
    // The Enter that confirms a Japanese conversion has the code 229.
    if (keyCode !== 13 || shiftKey || altKey) return undefined;
    return submit(form);
  };
  element.onsubmit = () => submit(form);
  // The button does not take the focus, and so a phone does not close its keyboard.
  if (button) button.onmousedown = () => false;
  leadKeysTo(field);
  takeFocus(field);
  return {
    draft: () => textOf(form),
    write(text) {
      field.value = field.value === "" ? text : `${text}\n${field.value}`;
      takeFocus(field);
    },
    restore(draft) {
      if (field.value === "") field.value = draft;
      return textOf(form) === draft;
    },
    insert: (text) => insert(field, text),
  };
}

// [IE8] Lines end with "\r\n" there.
function textOf({ field }: OldForm): string {
  return field.value.replace(/\r/g, "");
}

function insert(field: PageElement, text: (before: string) => string): void {
  const { value, selectionStart: start, selectionEnd: end } = field;
  takeFocus(field);
  // [IE8] It does not say where the cursor is.
  if (start === undefined || end === undefined) {
    field.value = value + text(value);
    return;
  }
  const inserted = text(value.slice(0, start));
  field.value = value.slice(0, start) + inserted + value.slice(end);
  field.selectionStart = field.selectionEnd = start + inserted.length;
}

/** Puts the last message into an empty field, and then the ones before. */
function recall(form: OldForm): false | undefined {
  const { field, use } = form;
  if (field.value === "") form.back = 0;
  else if (form.back === 0 || textOf(form) !== form.shown || form.shown.indexOf("\n") >= 0) return undefined;
  const text = use.ownTexts()[form.back];
  if (text === undefined) return undefined;
  form.back++;
  form.shown = field.value = text;
  return false;
}

function submit(form: OldForm): false {
  const { field, use } = form;
  const text = textOf(form).replace(EMPTY_LINES, "").replace(SPACES_AT_END, "");
  // [IE] The button takes the focus all the same.
  takeFocus(field);
  if (text === "") return false;
  field.value = "";
  const help = text === "/help" ? byId("help") : undefined;
  if (help) show(help, true);
  else use.say(text);
  return false;
}
