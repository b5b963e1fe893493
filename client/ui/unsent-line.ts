import { type Conversation, type ConversationSession, resend } from "../core/conversation.ts";
import { discard, type TakeBack, takeBack, type UnsentMessage } from "../core/sending/outbox.ts";
import { fill, type ScriptWords } from "../words.ts";

/** Shows in the line of an unsent message where it stands, and what its author can do about it. */
export function showUnsentState(
  line: HTMLElement,
  message: UnsentMessage,
  { words, conversation }: { words: ScriptWords; conversation: Conversation<ConversationSession> },
): void {
  const { state, code, text, wish, waitMs } = message;
  const { outbox } = conversation;
  const element = line.querySelector<HTMLElement>(".message-state") || document.createElement("span");
  element.className = "message-state";
  // "Sending…" is only shown. A failure is read aloud, too.
  if (wish !== undefined) element.setAttribute("role", "status");
  else if (state === "refused") element.setAttribute("role", "alert");
  else element.removeAttribute("role");
  line.classList.toggle("refused", state === "refused");
  line.classList.toggle("kept", state === "kept");
  const back = (label: string, why: TakeBack) => quiet(button(label, text, () => takeBack(outbox, message, why)));
  if (wish !== undefined) element.textContent = words.takingBack;
  else if (state === "sending") element.textContent = words.sending;
  else if (state === "kept")
    element.replaceChildren(`${whenSent(words, waitMs)} `, back(words.edit, "edit"), " ", back(words.cancel, "cancel"));
  else {
    const why = words.refusals[code || ""] || "";
    const again = button(words.resend, text, () => resend(conversation, message));
    const away = quiet(button(words.discard, text, () => discard(outbox, message)));
    element.replaceChildren(`${words.refused} ${why} `, again, " ", back(words.edit, "edit"), " ", away);
  }
  line.append(element);
}

function whenSent(words: ScriptWords, waitMs: number | undefined): string {
  return waitMs === undefined ? words.kept : fill(words.tooFast, { seconds: Math.ceil(waitMs / 1000) });
}

function quiet(element: HTMLButtonElement): HTMLButtonElement {
  element.classList.add("quiet");
  return element;
}

function button(label: string, text: string, run: () => void): HTMLButtonElement {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button small";
  element.textContent = label;
  // Several messages may wait, each with the same buttons.
  element.setAttribute("aria-label", `${label}: ${text}`);
  element.addEventListener("click", run);
  return element;
}
