import { type Conversation, resend } from "../core/conversation.ts";
import { discard, type TakeBack, takeBack, type UnsentMessage } from "../core/sending/outbox.ts";
import { fill, type ScriptWords } from "../words.ts";
import { addText, byId, clear, createButton } from "./dom.ts";
import { takeFocus } from "./keyboard.ts";

/** Shows in the line of an unsent message where it stands, and what its author can do about it. */
export function showUnsentState(
  line: PageElement,
  message: UnsentMessage,
  { words, conversation }: { words: ScriptWords; conversation: Conversation },
): void {
  const { state, code = "", wish, waitMs } = message;
  const element = line.lastChild as PageElement;
  const addButton = (label: string, act: () => void) => {
    addText(element, " ");
    const button = element.appendChild(
      createButton(label, () => {
        act();
        // The button is gone, and the focus should not be.
        const field = byId("text");
        if (field) takeFocus(field);
      }),
    );
    // Several messages may wait, each with the same buttons.
    button.setAttribute("aria-label", `${label}: ${message.text}`);
  };
  const addBack = (label: string, why: TakeBack) => addButton(label, () => takeBack(conversation.outbox, message, why));

  const kept = waitMs === undefined ? words.kept : fill(words.tooFast, { seconds: Math.ceil(waitMs / 1000) });
  const sentence = { sending: words.sending, kept, refused: words.refused }[state];

  line.className = `line message own pending ${state}`;
  clear(element);
  addText(element, ` ${wish === undefined ? sentence : words.takingBack}`);
  if (state === "sending" || wish !== undefined) return;
  if (state === "refused") {
    addText(element, ` ${words.refusals[code] || ""}`);
    addButton(words.resend, () => resend(conversation, message));
  }
  addBack(words.edit, "edit");
  if (state === "kept") addBack(words.cancel, "cancel");
  else addButton(words.discard, () => discard(conversation.outbox, message));
}
