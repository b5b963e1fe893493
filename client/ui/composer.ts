import { fill, type ScriptWords } from "../words.ts";
import { lasting, matchesMedia, optional } from "./browser.ts";
import { completeNames } from "./completion.ts";
import { showHelp } from "./help.ts";
import { hasFinePointer, leadKeysTo } from "./keyboard.ts";
import { recallMessages } from "./recall.ts";
import { createTaskLine, type Task, type TaskLine } from "./task-line.ts";

const TYPING_EVERY_MS = 3_000;
// Safari reports the Enter that ends a conversion after the conversion itself. Nobody presses Enter
// twice within 80 ms.
const AFTER_COMPOSITION_MS = 80;
// [lurker#623, VSCodroid#434] Android's keyboards keep every word as a composition up to the next
// space, and send Enter in the middle of it. There, Enter confirms only text that comes from a
// conversion.
const isAndroid = /Android/.test(optional(() => navigator.userAgent) || "");
const CONVERTED = /[\u3040-\u312f\u3400-\u9fff]/;
// Of the 2000 characters that a message may have, most never see the counter.
const COUNTED_LAST = 200;
// A message may begin with spaces: in a drawing, they are a part of it.
const EMPTY_LINES = /^(?:[^\S\n]*\n)+/;

/**
 * The effects of a composer: it keeps the draft, sends the text, and now and then signals typing.
 */
export type ComposerUse = {
  draft: { load(): string; save(text: string): void };
  /** Sends a message, which may answer the message with a seq. */
  say(text: string, reply?: number): void;
  /**
   * Replaces the text of one's own message. `done` gets a sentence if it is refused. Returns a
   * function that gives up.
   */
  edit(seq: number, text: string, done: (problem?: string) => void): () => void;
  typing(): void;
  /** Returns the names of others, those who wrote last first. */
  names(): string[];
  /** Returns the texts of one's own messages, the last one first. */
  ownTexts(): string[];
};

/** The form in which a message is written. */
export type Composer = {
  /** Puts a text before what was written, to be written again. */
  write(text: string): void;
  /** Puts a draft into the field if it is empty. Returns whether the field has the draft. */
  restore(draft: string): boolean;
  /** Puts a text at the cursor, and the focus into the field. */
  insert(text: (before: string) => string): void;
  /** Makes of what is written, or will be, a whisper to a person. */
  whisper(nickname: string): void;
  /** Lets the next text answer a message, or replace one. */
  begin(task: Task): void;
};

/** A form, its field and what belongs to it. */
type Form = {
  field: HTMLTextAreaElement;
  words: ScriptWords;
  use: ComposerUse;
  counter: { update(): void };
  taskLine: TaskLine;
  /** The draft that was in the field before one's own message was edited. */
  setAside: string;
  /** Gives up the edit that is under way. */
  giveUp: () => void;
  typedAt: number;
};

/** Brings the form in which a message is written to life. */
export function createComposer(element: HTMLFormElement, words: ScriptWords, use: ComposerUse): Composer {
  const field = element.elements.namedItem("text") as HTMLTextAreaElement;
  const counter = createCounter(field, words);
  const taskLine = createTaskLine(element, words, () => endTask(form));
  const form: Form = { field, words, use, counter, taskLine, setAside: "", giveUp: () => {}, typedAt: 0 };
  const changed = () => written(form);
  if (field.value === "") field.value = use.draft.load();
  update(form);
  completeNames(field, { words, names: use.names, changed });
  recallMessages(field, { texts: () => (isEditing(form) ? [] : use.ownTexts()), changed });
  field.addEventListener("input", () => typed(form));
  onEnter(field, () => submit(form));
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing && taskLine.task()) endTask(form);
  });
  hintAtKeys(field, words);
  holdFocus(field);
  return {
    write(text) {
      put(form, field.value === "" ? text : `${text}\n${field.value}`);
      field.focus();
    },
    restore(draft) {
      if (field.value === "" && !isEditing(form)) put(form, draft);
      return field.value === draft;
    },
    insert(text) {
      const { value, selectionStart, selectionEnd } = field;
      field.setRangeText(text(value.slice(0, selectionStart)), selectionStart, selectionEnd, "end");
      written(form);
      field.focus();
    },
    whisper(nickname) {
      if (taskLine.task()) endTask(form);
      put(form, `/w ${nickname} ${field.value.replace(/^\/w \S+ /, "")}`);
      field.focus();
      field.setSelectionRange(field.value.length, field.value.length);
    },
    begin: (task) => beginTask(form, task),
  };
}

function isEditing({ taskLine }: Form): boolean {
  return taskLine.task()?.kind === "edit";
}

function typed(form: Form): void {
  const { field, use } = form;
  written(form);
  if (field.value === "" || isEditing(form) || Date.now() - form.typedAt < TYPING_EVERY_MS) return;
  form.typedAt = Date.now();
  use.typing();
}

function put(form: Form, text: string): void {
  form.field.value = text;
  written(form);
}

function written(form: Form): void {
  // The draft is that of a new message.
  if (!isEditing(form)) form.use.draft.save(form.field.value);
  update(form);
}

function update({ field, counter }: Form): void {
  field.setCustomValidity("");
  fitHeight(field);
  counter.update();
}

function beginTask(form: Form, task: Task): void {
  const { field, taskLine } = form;
  if (isEditing(form)) endTask(form);
  const before = field.value;
  taskLine.show(task);
  describe(field, "task", true);
  if (task.kind === "edit") {
    form.setAside = before;
    put(form, task.text);
  }
  field.focus();
}

/** Ends a task. The field gets back what was written before a message was edited. */
function endTask(form: Form): void {
  const { field, taskLine } = form;
  const wasEditing = isEditing(form);
  form.giveUp();
  taskLine.show(undefined);
  describe(field, "task", false);
  if (wasEditing) put(form, form.setAside);
  if (hasFinePointer()) field.focus();
}

function submit(form: Form): void {
  const { field, words } = form;
  const text = field.value.replace(EMPTY_LINES, "").trimEnd();
  // A finger that presses the button may have no keyboard open, and none should open then.
  if (hasFinePointer()) field.focus();
  if (text === "") return;
  const excess = lengthOf(text) - Number(field.dataset.length);
  if (excess > 0) {
    field.setCustomValidity(fill(words.tooLong, { n: excess }));
    field.reportValidity();
    return;
  }
  document.getElementById("problem")?.remove();
  send(form, text);
}

function send(form: Form, text: string): void {
  const { field, use, taskLine } = form;
  const task = taskLine.task();
  if (task?.kind === "edit") {
    edit(form, task, text);
    return;
  }
  form.typedAt = 0;
  put(form, "");
  if (text === "/help") showHelp(field);
  else {
    if (task) endTask(form);
    use.say(text, task?.seq);
  }
}

function edit(form: Form, task: Task, text: string): void {
  const { use, words, taskLine } = form;
  form.giveUp();
  taskLine.say(words.sending);
  form.giveUp = use.edit(task.seq, text, (problem) => {
    if (problem === undefined) endTask(form);
    else taskLine.say(problem, "alert");
  });
}

/** Lets an element describe the field, or no longer. */
function describe(field: HTMLElement, id: string, is: boolean): void {
  const ids = (field.getAttribute("aria-describedby") || "").split(" ").filter((one) => one !== id && one !== "");
  if (is) ids.push(id);
  if (ids.length === 0) field.removeAttribute("aria-describedby");
  else field.setAttribute("aria-describedby", ids.join(" "));
}

/**
 * Lets the field have the focus whenever nothing else has it: when the page opens, when keys are
 * pressed on the page, and when the button that had it is gone. Without a fine pointer, a keyboard
 * would open over half the screen.
 */
function holdFocus(field: HTMLTextAreaElement): void {
  takeFocus(field);
  leadKeysTo(field);
  // [WebKit] A page that comes back from the cache has no focus yet, and the link that led away may
  // seem to have it.
  window.addEventListener(
    "pageshow",
    ({ persisted }) => {
      if (persisted && hasFinePointer()) setTimeout(() => field.focus({ preventScroll: true }));
    },
    lasting(),
  );
  document.addEventListener(
    "click",
    ({ target }) => {
      if (target instanceof Element && !isShown(target)) takeFocus(field);
    },
    lasting(),
  );
  // A button takes the focus before it is clicked, and a phone then closes its keyboard.
  document.addEventListener(
    "mousedown",
    (event) => {
      const isButton = (event.target as Element).closest("button, summary") !== null;
      if (isButton && document.activeElement === field) event.preventDefault();
    },
    lasting(),
  );
}

function takeFocus(field: HTMLTextAreaElement): void {
  const { activeElement } = document;
  const isFree = activeElement === null || activeElement === document.body || !isShown(activeElement);
  const isSelecting = document.getSelection()?.isCollapsed === false;
  if (hasFinePointer() && isFree && !isSelecting) field.focus({ preventScroll: true });
}

function isShown(element: Element): boolean {
  return element.getClientRects().length > 0;
}

/** Says how to begin a new line, where the field is wide enough and there is a keyboard for it. */
function hintAtKeys(field: HTMLTextAreaElement, words: ScriptWords): void {
  if (!hasFinePointer()) return;
  field.title = words.keysHint;
  if (matchesMedia("(min-width: 40rem)")) field.placeholder += words.newLineHint;
}

/** Creates a line under the field that says how many characters are left, once there are few. */
function createCounter(field: HTMLTextAreaElement, words: ScriptWords): { update(): void } {
  const most = Number(field.dataset.length);
  const line = document.createElement("p");
  line.id = "count";
  line.className = "count hint";
  return {
    update() {
      // A character has one or two units.
      const left = field.value.length < most - COUNTED_LAST ? most : most - lengthOf(field.value);
      if (left > COUNTED_LAST) {
        describe(field, line.id, false);
        line.remove();
        return;
      }
      line.textContent = fill(left < 0 ? words.tooLong : words.charactersLeft, { n: Math.abs(left) });
      if (line.isConnected) return;
      describe(field, line.id, true);
      field.after(line);
    },
  };
}

/** Returns the number of characters, as the server counts them. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}

/** Calls back at each Enter that means to send, with Ctrl or Cmd or without. */
function onEnter(field: HTMLTextAreaElement, run: () => void): void {
  let composed = "";
  let composedAt = 0;
  field.addEventListener("compositionupdate", (event) => {
    composed = event.data;
  });
  field.addEventListener("compositionend", (event) => {
    composedAt = event.timeStamp;
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    if (confirms(event)) return;
    event.preventDefault();
    run();
  });

  // [cinny#2103, UI Events 5.2] At an Enter that confirms a Japanese conversion, one of these three
  // conditions holds in each browser.
  function confirms(event: KeyboardEvent): boolean {
    const isOne = event.isComposing || event.keyCode === 229 || event.timeStamp - composedAt < AFTER_COMPOSITION_MS;
    return isOne && (!isAndroid || CONVERTED.test(composed));
  }
}

// For browsers without `field-sizing: content`. The style sheet limits the height, which includes
// the border, as the text's height does not.
function fitHeight(field: HTMLTextAreaElement): void {
  if (optional(() => CSS.supports("field-sizing", "content"))) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
}
