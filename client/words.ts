import { grouped } from "../protocol/line.ts";
import type { LimitWords } from "../protocol/room-limits.ts";

/** The words of the script, in the page's language. server/pages/words has them (`script`). */
export type ScriptWords = {
  entered: string;
  left: string;
  /** A member has another name than `{former}`, or another color. */
  renamed: string;
  recolored: string;
  /** The mark of a message that its author has changed, and the text of one that was erased. */
  edited: string;
  erased: string;
  /** Links to the message with the number `{seq}`, which is not on the page. */
  quoted: string;
  /** A run of people who came and went. */
  folded: string;
  foldedEnters: string;
  foldedLeaves: string;
  /** A run so long that nobody counted which of them came. */
  foldedMany: string;
  /** The lines that an opened run leaves out. */
  foldedMore: string;
  /** For a part of the log that the page lacks. */
  gap: string;
  /** For a tall message. */
  showAll: string;
  showLess: string;
  live: string;
  slow: string;
  doctor: string;
  catchingUp: string;
  checking: string;
  stale: string;
  /** Something between page and site blocks the path of polls. */
  blocked: string;
  unreadable: string;
  offline: string;
  peopleFigures: string;
  peopleCut: string;
  typing: string;
  newMessages: string;
  /** Read aloud in place of more than a few messages. */
  announced: string;
  announcedEdit: string;
  announcedErase: string;
  /** On the line above what the reader has not seen. */
  unread: string;
  notifyDenied: string;
  notifyMissing: string;
  sending: string;
  kept: string;
  tooFast: string;
  refused: string;
  resend: string;
  discard: string;
  edit: string;
  cancel: string;
  takingBack: string;
  tooLong: string;
  charactersLeft: string;
  renewed: string;
  reload: string;
  newLineHint: string;
  keysHint: string;
  olderFailed: string;
  /** Labels of the buttons that open menus, and the items of menus. */
  actions: string;
  personActions: string;
  reply: string;
  erase: string;
  eraseSure: string;
  rename: string;
  again: string;
  link: string;
  copyLink: string;
  copied: string;
  mention: string;
  ignore: string;
  stopIgnoring: string;
  stopIgnoringName: string;
  ignoredPeople: string;
  /** Marks the reader in the list of people. */
  you: string;
  /** Marks a person there whom the reader ignores. */
  ignoring: string;
  /** Above the field: what its text is for. */
  replyingTo: string;
  editing: string;
  notChanged: string;
  /** In place of a quoted message whose author the reader ignores. */
  quotedIgnored: string;
  /** Items of menus that open the page of a message or a person. */
  report: string;
  moderate: string;
  limits: LimitWords;
  /** Read aloud for a name that the Tab key has put into the field. */
  completion: string;
  /** The mark of a whisper: to `{nickname}`, and to the reader. */
  whisperTo: string;
  whisperToMe: string;
  /** The item of menus, and what stands above the field then. */
  whisper: string;
  whisperingTo: string;
  refusals: { [code: string]: string };
};

/** Replaces each `{name}` in a text by its value. Numbers get a comma between thousands. */
export function fill(text: string, values: { [name: string]: string | number }): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => grouped(values[name] ?? ""));
}
