import { type Conversation, type ConversationSession, resend } from "../core/conversation.ts";
import { discard, type UnsentMessage } from "../core/sending/outbox.ts";
import type { ScriptWords } from "../words.ts";

/** Shows in the line of an unsent message where it stands, and what its author can do about it. */
export function showUnsentState(
  line: HTMLElement,
  message: UnsentMessage,
  { words, conversation }: { words: ScriptWords; conversation: Conversation<ConversationSession> },
): void {
  const { state, code } = message;
  const element = line.querySelector<HTMLElement>(".message-state") || document.createElement("span");
  element.className = "message-state";
  // "Sending…" is only shown. A failure is read aloud, too.
  if (state === "refused") element.setAttribute("role", "alert");
  else element.removeAttribute("role");
  line.classList.toggle("refused", state === "refused");
  line.classList.toggle("kept", state === "kept");
  if (state !== "refused") element.textContent = state === "kept" ? words.kept : words.sending;
  else {
    const why = words.refusals[code || ""] || "";
    const again = button(words.resend, () => resend(conversation, message));
    const away = button(words.discard, () => discard(conversation.outbox, message));
    away.classList.add("quiet");
    element.replaceChildren(`${words.refused} ${why} `, again, " ", away);
  }
  line.append(element);
}

function button(label: string, run: () => void): HTMLButtonElement {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button small";
  element.textContent = label;
  element.addEventListener("click", run);
  return element;
}
