import { fill, type ScriptWords } from "../words.ts";

/** The purpose of the field's text: to answer a message, or to replace one's own. */
export type Task = { kind: "reply" | "edit"; seq: number; memberId: string; nickname: string; text: string };

/** The line above the field that says what its text is for. */
export type TaskLine = {
  task(): Task | undefined;
  /** Shows a task, or none. */
  show(task: Task | undefined): void;
  /** Shows what becomes of the task. An alert is read aloud. */
  say(sentence: string, role?: "alert"): void;
};

/** Creates the line in a form. `canceled` is called by its button. */
export function createTaskLine(form: HTMLElement, words: ScriptWords, canceled: () => void): TaskLine {
  const line = document.createElement("p");
  const label = document.createElement("span");
  const quote = document.createElement("bdi");
  const button = document.createElement("button");
  let task: Task | undefined;
  line.id = "task";
  line.className = "task";
  label.className = "task-label";
  quote.className = "task-quote";
  button.type = "button";
  button.className = "button quiet small";
  button.textContent = words.cancel;
  button.addEventListener("click", canceled);
  return {
    task: () => task,
    show(next) {
      task = next;
      line.remove();
      line.removeAttribute("role");
      if (task === undefined) return;
      const { kind, seq, memberId, nickname, text } = task;
      // By these, withdraw.ts finds the line. It shows nothing of one's own message.
      Object.assign(line.dataset, kind === "reply" ? { seq, memberId } : { seq: "", memberId: "" });
      label.textContent = kind === "edit" ? words.editing : fill(words.replyingTo, { nickname });
      quote.textContent = kind === "edit" ? "" : text;
      line.replaceChildren(label, " ", quote, " ", button);
      form.prepend(line);
    },
    say(sentence, role) {
      if (role) line.setAttribute("role", role);
      else line.removeAttribute("role");
      label.textContent = sentence;
    },
  };
}
