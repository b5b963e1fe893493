import { leadKeysTo, takeFocus } from "./keyboard.ts";

// A message may begin with spaces: in a drawing, they are a part of it. [JScript] \s has neither
// U+00A0 nor U+3000.
const EMPTY_LINES = /^(?:[ \t\u00a0\u3000]*\n)+/;
const SPACES_AT_END = /[\s\u00a0\u3000]+$/;

/** The form in which a message is written. */
export type OldComposer = {
  /** Returns what is written and not sent. */
  draft(): string;
  /** Puts a text before what was written, to be written again. */
  write(text: string): void;
  /** Puts a draft into the field if it is empty. Returns whether the field has the draft. */
  restore(draft: string): boolean;
};

/** Brings the form in which a message is written to life. Its field gets the focus. */
export function openComposer(form: PageElement, say: (text: string) => void): OldComposer {
  const field = form.getElementsByTagName("textarea")[0] as PageElement;
  const button = form.getElementsByTagName("button")[0];

  // [IE8] Lines end with "\r\n" there.
  const textOf = () => field.value.replace(/\r/g, "");
  field.onkeydown = (event) => {
    const { keyCode, shiftKey, altKey } = event || window.event;
    // The Enter that confirms a Japanese conversion has the code 229.
    if (keyCode !== 13 || shiftKey || altKey) return undefined;
    return submit();
  };
  form.onsubmit = submit;
  // The button does not take the focus, and so a phone does not close its keyboard.
  if (button) button.onmousedown = () => false;
  leadKeysTo(field);
  takeFocus(field);
  return {
    draft: textOf,
    write(text) {
      field.value = field.value === "" ? text : `${text}\n${field.value}`;
      takeFocus(field);
    },
    restore(draft) {
      if (field.value === "") field.value = draft;
      return textOf() === draft;
    },
  };

  function submit(): false {
    const text = textOf().replace(EMPTY_LINES, "").replace(SPACES_AT_END, "");
    // [IE] The button takes the focus all the same.
    takeFocus(field);
    if (text !== "") {
      field.value = "";
      say(text);
    }
    return false;
  }
}
