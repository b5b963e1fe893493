import type { ErrorCode } from "../protocol/error-code.ts";

type Failure = { status: number; title: string; retrySeconds?: number };

/**
 * Every expected failure: its HTTP status and, if waiting helps, the seconds to wait before a
 * retry.
 */
export const REFUSALS = {
  malformed: { status: 400, title: "The request cannot be understood." },
  nickname_invalid: {
    status: 400,
    title: "A nickname is 1 to 20 visible characters of at most 60 code points, without diamonds.",
  },
  secret_invalid: { status: 400, title: "The secret after # needs 8 to 128 characters." },
  text_invalid: { status: 400, title: "A message has 1 to 2000 characters, some of them visible." },
  dice_invalid: {
    status: 400,
    title: "A roll is /roll 2d6 or /roll 2d6+1, with 1 to 20 dice of 2 to 1000 sides. Write //roll to say it.",
  },
  no_session: { status: 401, title: "Choose a nickname first." },
  not_operator: { status: 401, title: "Sign in as an operator first." },
  forbidden: { status: 403, title: "This request did not come from a page of this site." },
  not_present: { status: 403, title: "Enter the room first." },
  not_allowed: { status: 403, title: "You may not do this here." },
  silenced: { status: 403, title: "A moderator has silenced you here." },
  shut_out: { status: 403, title: "A moderator has shut you out." },
  read_only: { status: 403, title: "The site is read-only just now." },
  wrong_secret: { status: 403, title: "This is not the operators' secret, or the link was used or has expired." },
  not_yours: { status: 403, title: "Only its author can change a message." },
  password_needed: { status: 403, title: "This room has a password." },
  wrong_password: { status: 403, title: "That is not the password of this room." },
  wrong_key: { status: 403, title: "That is not the owner key of this room." },
  locked: { status: 403, title: "This room is locked. Only the people in it can go on." },
  no_links: { status: 403, title: "Messages in this room cannot have links." },
  blocked_word: { status: 403, title: "This room does not accept a word of this message." },
  no_such_room: { status: 404, title: "There is no such room." },
  no_such_message: { status: 404, title: "There is no such message in this room." },
  no_such_member: { status: 404, title: "There is no such person in this room." },
  no_such_ban: { status: 404, title: "There is no such ban that holds." },
  no_such_report: { status: 404, title: "There is no such report that waits." },
  no_such_page: { status: 404, title: "There is no such page." },
  method_not_allowed: { status: 405, title: "This address does not answer that method." },
  nickname_taken: { status: 409, title: "Somebody in the room has this nickname, or one that looks like it." },
  reserved: { status: 409, title: "This name is reserved for the site itself." },
  too_late: { status: 409, title: "The time in which this message could be changed has passed." },
  room_exists: { status: 409, title: "There is a room of this name already, or of one that looks like it." },
  gone: { status: 410, title: "The log cannot be continued from this offset." },
  wrong_host: { status: 421, title: "This site does not answer under this host name." },
  too_large: { status: 413, title: "The request is too large." },
  unsupported_type: { status: 415, title: "Send JSON or a form, in UTF-8, without Content-Encoding." },
  slow_mode: { status: 429, title: "This room is in slow mode; wait a little.", retrySeconds: 2 },
  too_new: { status: 429, title: "New people wait a little before their first message.", retrySeconds: 30 },
  too_many: { status: 429, title: "Too many requests; wait a little.", retrySeconds: 2 },
  full: { status: 429, title: "It is full.", retrySeconds: 30 },
  internal: { status: 500, title: "Something went wrong here." },
  no_place: { status: 503, title: "This server has no free place for another reader just now.", retrySeconds: 5 },
  unavailable: { status: 503, title: "The log is out of reach just now.", retrySeconds: 2 },
} as const satisfies { [code in ErrorCode]: Failure };

/** The code of a refusal, for programs. */
export type RefusalCode = keyof typeof REFUSALS;

/** The name of a sentence that pages show about a refusal. */
export type Wording = RefusalCode | "too_many_network" | "too_many_room" | "needs_cookie" | "needs_window";

/** An expected failure. The first middleware answers it as a page or as JSON. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly retrySeconds: number | undefined;
  /** For `too_many`: whose share is used up, if it is not the visitor's own. */
  share: "network" | "room" | undefined;
  /**
   * For `forbidden`. `cookie`: the browser sent none with a form of ours, and so keeps none.
   * `window`: the form is in a sandboxed frame, from which nothing can be accepted.
   */
  needs: "cookie" | "window" | undefined;
  /** The room to which the page of this refusal leads. */
  room: { slug: string; title: string } | undefined;

  constructor(code: RefusalCode, detail?: string, retrySeconds?: number) {
    super(detail ?? REFUSALS[code].title);
    this.code = code;
    this.retrySeconds = retrySeconds ?? (REFUSALS[code] as Failure).retrySeconds;
  }

  /** The name of the refusal's words on a page. */
  get wording(): Wording {
    if (this.needs !== undefined) return `needs_${this.needs}`;
    return this.share === undefined ? this.code : `too_many_${this.share}`;
  }
}

/**
 * Returns a refusal to throw: `throw refuse("nickname_taken")`. `detail` is a sentence for
 * developers and must contain nothing that a visitor wrote.
 */
export function refuse(code: RefusalCode, detail?: string, retrySeconds?: number): Refusal {
  return new Refusal(code, detail, retrySeconds);
}
