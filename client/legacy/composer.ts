import type { RoomEvent } from "../../protocol/event.ts";
import { fill, type ScriptWords } from "../words.ts";
import { addText, byId, clear, create, createButton, setText, show } from "./dom.ts";
import { leadKeysTo, takeFocus } from "./keyboard.ts";
import { showProblem } from "./problem.ts";

// A message may begin with spaces: in a drawing, they are a part of it. [JScript] \s has neither
// U+00A0 nor U+3000.
const EMPTY_LINES = /^(?:[ \t\u00a0\u3000]*\n)+/;
const SPACES_AT_END = /[\s\u00a0\u3000]+$/;
const UP = 38;

/** The purpose of the field's text: to answer a message, or to replace one's own. */
export type OldTask = { kind: "reply" | "edit"; seq: number; memberId: string; nickname: string; text: string };

/** The effects of a composer. */
export type OldComposerUse = {
  words: ScriptWords;
  /** Whether the browser has to submit the form itself. */
  isPlain(): boolean;
  /** Sends a message, which may answer the message with a seq. */
  say(text: string, reply?: number): void;
  /**
   * Replaces the text of one's own message. `done` gets a sentence if it is refused. Returns a
   * function that gives up.
   */
  edit(seq: number, text: string, done: (problem?: string) => void): () => void;
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
  /** Makes of what is written, or will be, a whisper to a person. */
  whisper(nickname: string): void;
  /** Lets the next text answer a message, or replace one. */
  begin(task: OldTask): void;
  /** Shows a text or a name that was edited or erased as it is now. */
  withdraw(change: RoomEvent): void;
  /** Says above the field that something went wrong. */
  complain(sentence: string): void;
};

/** A form, its field and what belongs to it. */
type OldForm = {
  element: PageElement;
  field: PageElement;
  use: OldComposerUse;
  /** The line above the field. */
  line: PageElement;
  task: OldTask | undefined;
  /** The draft that was in the field before one's own message was edited. */
  setAside: string;
  /** Gives up the edit that is under way. */
  giveUp: () => void;
  /** How many messages back the field shows one's own, and its text. */
  back: number;
  shown: string;
  /** The browser is submitting the form. */
  isLeft?: boolean;
};

/** Brings the form in which a message is written to life. Its field gets the focus. */
export function openComposer(element: PageElement, use: OldComposerUse): OldComposer {
  const field = element.getElementsByTagName("textarea")[0] as PageElement;
  const button = element.getElementsByTagName("button")[0];
  const line = element.insertBefore(create("p", "task"), element.firstChild);
  const form: OldForm = { element, field, use, line, task: undefined, setAside: "", giveUp() {}, back: 0, shown: "" };
  show(line, false);
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
    draft: () => (form.isLeft ? "" : isEditing(form) ? form.setAside : textOf(form)),
    write(text) {
      field.value = field.value === "" ? text : `${text}\n${field.value}`;
      takeFocus(field);
    },
    restore(draft) {
      if (field.value === "" && !isEditing(form)) field.value = draft;
      return textOf(form) === draft;
    },
    insert: (text) => insert(field, text),
    whisper(nickname) {
      if (form.task) end(form);
      field.value = `/w ${nickname} ${field.value}`;
      takeFocus(field);
    },
    begin: (task) => begin(form, task),
    withdraw(change) {
      const { kind, member, target, text = "" } = change as RoomEvent & { target?: number };
      const { task } = form;
      if (!task || isEditing(form)) return;
      const { seq, memberId } = task;
      if (target === seq || (kind === "unname" && member.id === memberId))
        begin(form, { kind: "reply", seq, memberId, nickname: member.nickname, text });
    },
    complain: (sentence) => complain(form, sentence),
  };
}

// [IE8] Lines end with "\r\n" there.
function textOf({ field }: OldForm): string {
  return field.value.replace(/\r/g, "");
}

function isEditing({ task }: OldForm): boolean {
  return task?.kind === "edit";
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
  if (text === undefined || isEditing(form)) return undefined;
  form.back++;
  form.shown = field.value = text;
  return false;
}

function begin(form: OldForm, task: OldTask): void {
  const { field, line, use } = form;
  const { words } = use;
  if (isEditing(form)) end(form);
  form.task = task;
  const { kind, nickname, text } = task;
  setText(line, kind === "edit" ? words.editing : `${fill(words.replyingTo, { nickname })} ${text}`);
  addText(line, " ");
  line.appendChild(createButton(words.cancel, () => end(form)));
  show(line, true);
  if (kind === "edit") {
    form.setAside = textOf(form);
    field.value = text;
  }
  takeFocus(field);
}

function end(form: OldForm): void {
  const { field, line } = form;
  form.giveUp();
  if (isEditing(form)) field.value = form.setAside;
  form.task = undefined;
  clear(line);
  show(line, false);
  takeFocus(field);
}

function complain({ line }: OldForm, sentence: string): void {
  showProblem(sentence, line.parentNode as PageElement, line);
}

function submit(form: OldForm): false {
  const { field, use, task } = form;
  const text = textOf(form).replace(EMPTY_LINES, "").replace(SPACES_AT_END, "");
  // [IE] The button takes the focus all the same.
  takeFocus(field);
  if (text === "") return false;
  if (use.isPlain() && !isEditing(form)) return submitPlain(form);
  if (task && task.kind === "edit") {
    form.giveUp();
    form.giveUp = use.edit(task.seq, text, (problem) => {
      if (problem === undefined) end(form);
      else complain(form, problem);
    });
    return false;
  }
  field.value = "";
  if (task) end(form);
  const help = text === "/help" ? byId("help") : undefined;
  if (help) show(help, true);
  else use.say(text, task?.seq);
  return false;
}

/** Lets the browser submit the form. The text is no draft any more when the page is left. */
function submitPlain(form: OldForm): false {
  const { element, line, task } = form;
  if (task) line.innerHTML = `<input type="hidden" name="reply" value="${task.seq}">`;
  form.isLeft = true;
  element.submit();
  return false;
}
