/**
 * The names of inboxes. A member's inbox in the room `lobby` is `@lobby` to that member, on every
 * transport. No room has such a name.
 */

/** Returns the name of the reader's inbox in a room. */
export function inboxOf(room: string): string {
  return `@${room}`;
}

/** Returns the room of a log, which is an inbox or the room itself. */
export function roomOfLog(log: string): string {
  return isInbox(log) ? log.slice(1) : log;
}

/** Whether a log is an inbox. */
export function isInbox(log: string): boolean {
  return log.charAt(0) === "@";
}

/**
 * Whether a text is a whisper by command: `/w name text`, also in wide letters, and `/ささやき`.
 */
export function isWhisperCommand(text: string): boolean {
  return WHISPER_COMMAND.test(text);
}

/** Matches the command, and the space behind it. */
export const WHISPER_COMMAND = /^\s*[/\uff0f](w|\uff57|\uff37|whisper|\u3055\u3055\u3084\u304d)(\s+|$)/i;
