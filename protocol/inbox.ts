/**
 * The names of inboxes. A member's inbox in the room `lobby` is `@lobby` to that member, on every
 * transport. No room has such a name.
 */

/** Whether a log is an inbox. */
export function isInbox(log: string): boolean {
  return log.charAt(0) === "@";
}

/**
 * Whether a text is a whisper by command: `/w name text`, also in wide letters, and `/ささやき`.
 */
export function isWhisperCommand(text: string): boolean {
  return COMMAND.test(text);
}

/** Returns a whisper by command without the command: the name and the text. */
export function withoutCommand(text: string): string {
  return text.replace(COMMAND, "");
}

const COMMAND = /^\s*[/\uff0f](w|\uff57|\uff37|whisper|\u3055\u3055\u3084\u304d)(\s+|$)/i;
