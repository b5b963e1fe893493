import { z } from "zod";
import { DESCRIPTION_LENGTH, PINNED_LENGTH } from "../protocol/limits.ts";
import { AUDIENCES, ROLES } from "../protocol/room-settings.ts";
import { choiceSchema, looseTextSchema, seqSchema, textOr, textSchema, whole } from "./wire.ts";

// The requests of people who keep rooms, and of the site's operators, as those in requests.ts.

/** Characters of a reason, as people count them. */
const REASON_LENGTH = 300;
const OF_A_REASON = `at most ${REASON_LENGTH} characters`;

const reason = textSchema
  .refine(
    (text) => [...text].length <= REASON_LENGTH && text.isWellFormed() && !/[\p{Cc}--[\n\r\t]]/v.test(text),
    OF_A_REASON,
  )
  .trim()
  .meta({ maxLength: REASON_LENGTH })
  .prefault("");

const OF_THIS_SITE = "not one of this site";

const TRIP = /^◆[\w+/=.-]{6,40}$/;

/**
 * A member's id has no white space, but any letters, since a host chooses it. A trip has its
 * diamond, and a network eight letters and digits.
 */
const targets = {
  member: textSchema.regex(/^[^\p{C}\p{Z}]{1,100}$/u, OF_THIS_SITE).optional(),
  trip: textSchema.regex(TRIP, OF_THIS_SITE).optional(),
  network: textSchema.regex(/^[a-km-np-z2-9]{8}$/, OF_THIS_SITE).optional(),
};
const OF_TARGETS = "one of member, trip and network";

/** A member, a trip or a network. */
export const targetRequest = z
  .object(targets)
  .refine(hasOneOf("member", "trip", "network"), OF_TARGETS)
  .meta(oneOf("member", "trip", "network"));

/** One message or notice, or everything of a member, a trip or a network. */
export const erasureRequest = z
  .object({ seq: seqSchema.optional(), ...targets })
  .refine(hasOneOf("seq", "member", "trip", "network"), `seq, or ${OF_TARGETS}`)
  .meta(oneOf("seq", "member", "trip", "network"));

/** A ban holds for a year at most, unless it holds for good. */
export const BAN_MINUTES_MAX = 365 * 24 * 60;

/** A ban to make. Without `minutes` it holds for good. */
export const banRequest = z
  .object({
    act: z.enum(["silence", "shut-out", "remove"], "silence, shut-out or remove"),
    secretly: choiceSchema.prefault(false),
    reason,
    minutes: whole(1, BAN_MINUTES_MAX).optional(),
    ...targets,
  })
  .refine(({ act, secretly }) => !(secretly && act === "remove"), "secretly: with silence and shut-out only")
  .refine(({ act, minutes }) => !(minutes !== undefined && act === "remove"), "minutes: not with remove")
  .refine(hasOneOf("member", "trip", "network"), OF_TARGETS)
  .meta(oneOf("member", "trip", "network"));

/** A ban to lift. */
export const liftRequest = z.object({ ban: seqSchema });

/** A report of a message, of a whisper in one's own inbox, or of a person. */
export const reportRequest = z
  .object({ seq: seqSchema.optional(), whisper: seqSchema.optional(), member: textSchema.optional(), reason })
  .refine(hasOneOf("seq", "whisper", "member"), "one of seq, whisper and member")
  .meta(oneOf("seq", "whisper", "member"));

/** A report to take out of the queue. */
export const resolutionRequest = z.object({ report: seqSchema });

/** A page of the log of moderation. */
export const actsRequest = z.object({ before: seqSchema.optional(), limit: whole(1, 200).prefault(50) });

const OF_A_ROLE = `${ROLES.join(", ")} or null`;

/** A role to give to a member or a trip; null takes it, also from what is no trip. */
export const roleRequest = z
  .object({
    member: textSchema.max(100, "at most 100 characters").optional(),
    trip: textSchema.max(100, "at most 100 characters").trim().optional(),
    role: z.preprocess(
      (value) => (value === "" || value === "none" ? null : value),
      z.enum(ROLES, OF_A_ROLE).nullable(),
    ),
  })
  .refine(hasOneOf("member", "trip"), "either member or trip")
  .refine(({ trip, role }) => trip === undefined || role === null || TRIP.test(trip), "trip: one with its ◆")
  .meta(oneOf("member", "trip"));

/** The owner key of a room. */
export const claimRequest = z.object({ key: textOr("wrong_key") });

/** The password of a room. */
export const passwordRequest = z.object({ password: textOr("wrong_password") });

/** An incoming webhook to make, under the name above its notices. */
export const newWebhookRequest = z.object({ name: textOr("nickname_invalid") });

/** An incoming webhook to revoke. */
export const revocationRequest = z.object({ id: textSchema.min(1) });

const OF_A_NOTICE = "a string, in JSON, in a form, or as text/plain";

/** A notice. Senders for Slack put it into `payload` as JSON, or into `attachments`. */
export const noticeRequest = z.looseObject({
  text: z.string(OF_A_NOTICE).nullish(),
  id: looseTextSchema.nullish(),
});

/** A room to remove. */
export const removeRoomRequest = z.object({ room: textSchema.min(1) });

/** An operator's sign-in. */
export const signInRequest = z
  .object({ secret: textSchema.optional(), link: textSchema.optional() })
  .meta({ anyOf: [{ required: ["secret"] }, { required: ["link"] }] });

/** An operator's end: here, or with `all` that of every operator on every browser. */
export const signOutRequest = z.object({ all: choiceSchema.prefault(false) });

/** The longest wait of the switch: a week. */
export const SPEAK_AFTER_MAX = 7 * 24 * 60;

/** The emergency switches of the site to set. */
export const switchesRequest = z.object({
  readOnly: choiceSchema.exactOptional(),
  noNewRooms: choiceSchema.exactOptional(),
  speakAfterMinutes: whole(0, SPEAK_AFTER_MAX).exactOptional(),
});

/** Controls except line ends, and characters that override the direction of all that follows. */
const UNSHOWN = /[[\p{Cc}\u202a-\u202e\u2066-\u2069]--[\t\n\r]]/v;

const WORDS_MAX = 200;
const WORD_LENGTH = 50;

/** An empty field of a form stands for null. */
const nullIfEmpty = (value: unknown) => (value === "" ? null : value);
const audience = z.enum(AUDIENCES, `one of ${AUDIENCES.join(", ")}`);

/** The settings of a room to change. */
export const settingsRequest = z
  .object({
    title: textSchema,
    description: shownText(DESCRIPTION_LENGTH),
    listed: choiceSchema,
    password: password(),
    mayRead: audience,
    mayEnter: audience,
    maySpeak: audience,
    locked: choiceSchema,
    slowSeconds: whole(0, 3_600),
    autoSlow: choiceSchema,
    newcomerSeconds: whole(0, 86_400),
    links: choiceSchema,
    blockedWords: words(),
    silentEntry: choiceSchema,
    historyForNewcomers: z.preprocess(nullIfEmpty, whole(0, 1_000).nullable()),
    keepDays: z.preprocess(nullIfEmpty, whole(1, 3_650).nullable()),
    pinned: shownText(PINNED_LENGTH),
    removePassword: choiceSchema.describe("For forms, in which no field can be null."),
  })
  .partial();

function shownText(length: number) {
  const problem = `a text of at most ${length} characters`;
  return z
    .string(problem)
    .refine((text) => text.length <= 2 * length && text.isWellFormed() && !UNSHOWN.test(text), problem)
    .overwrite((text) => text.replaceAll("\r\n", "\n").trim())
    .refine((text) => [...text].length <= length, problem)
    .meta({ maxLength: length });
}

/** As a secret behind a nickname, but a shorter one is somebody's choice. Null is none. */
function password() {
  const problem = "4 to 128 characters, or null for none";
  return z
    .string(problem)
    .refine((text) => text === "" || (text.isWellFormed() && [...text].length >= 4 && text.length <= 128), problem)
    .nullable();
}

/** A list, or a text with a word in each line. */
function words() {
  const list = "a list of words, or a text with a word in each line";
  const short = `at most ${WORDS_MAX} words of at most ${WORD_LENGTH} characters`;
  return z.preprocess(
    (value) => (typeof value === "string" ? value.split(/\r?\n|,/) : value),
    z
      .array(
        z.string(list).refine((word) => word.isWellFormed(), list),
        list,
      )
      .overwrite((all) => [...new Set(all.map((word) => word.trim()).filter((word) => word !== ""))])
      .refine(
        (all) => all.length <= WORDS_MAX && all.every((word) => [...word].length <= WORD_LENGTH && !UNSHOWN.test(word)),
        short,
      ),
  );
}

type Fields = { [name: string]: unknown };

function hasOneOf(...names: string[]): (value: Fields) => boolean {
  return (value) => names.filter((name) => value[name] !== undefined).length === 1;
}

/** The same for the description. */
function oneOf(...names: string[]): { oneOf: { required: string[] }[] } {
  return { oneOf: names.map((name) => ({ required: [name] })) };
}
