import { z } from "zod";
import {
  BATCH_MESSAGES,
  HISTORY_MESSAGES,
  LOBBY_WAIT_SECONDS,
  PAGE_EVENTS,
  PAGE_WHISPERS,
  PEOPLE_PAGE,
  PEOPLE_SHOWN,
  PING_MS,
  POLL_WAIT_MAX_SECONDS,
  POLL_WAIT_SECONDS,
  ROOMS_PER_READER,
  SEARCH_LENGTH,
  SEARCH_RESULTS,
  SEARCH_RESULTS_MAX,
  SEARCH_WORDS,
  STREAM_BYTES_MAX,
  STREAM_BYTES_MIN,
} from "../protocol/limits.ts";
import {
  callbackSchema,
  choiceSchema,
  clientIdSchema,
  colorSchema,
  looseTextSchema,
  nonce,
  nonceSchema,
  replySchema,
  seqSchema,
  textOr,
  textSchema,
  whole,
} from "./wire.ts";

// The requests of people who take part in rooms. Each call reads its body, or its query and path,
// by one of these, and openapi.json is made of them.

/** A nickname, and perhaps a color, to enter with or to take instead. */
export const nameRequest = z.object({ nickname: textOr("nickname_invalid"), color: colorSchema.optional() });

/** A user of the host says neither: both are the host's. The same request asks who somebody is. */
export const sessionRequest = nameRequest.partial();

/** The list of rooms. */
export const roomListRequest = z.object({
  known: looseTextSchema.optional().describe("The version that is known already."),
  wait: whole(0, LOBBY_WAIT_SECONDS)
    .prefault(0)
    .describe("The seconds until the answer, which comes sooner if a room is made or a text is erased."),
});

/** A room to make. */
export const newRoomRequest = z.object({
  slug: textSchema.optional().describe("Required without a title, from which the name is made otherwise."),
  title: textSchema.optional(),
  public: choiceSchema.prefault(true),
  silent: choiceSchema.prefault(false),
  words: choiceSchema.prefault(true),
  listed: z
    .enum(["words", "1", "0"], "words, 1 or 0")
    .optional()
    .describe("For forms: instead of `public` and `words`."),
});

/** A page of the people of a room. */
export const peopleRequest = z.object({
  after: looseTextSchema.optional().describe("The `next` of a page."),
  limit: whole(1, PEOPLE_SHOWN).prefault(PEOPLE_PAGE),
});

/** Entering a room. */
export const entryRequest = z.object({ silent: choiceSchema.prefault(false) });

const author = { nickname: textSchema.optional().describe("Refused unless it is the session's.") };

/** A message. */
export const messageRequest = z.object({
  id: clientIdSchema,
  text: textSchema.min(1, "text_invalid"),
  reply: replySchema.optional(),
  ...author,
});

const OF_A_MESSAGE = `1 to ${BATCH_MESSAGES}, each with id and text, which are strings`;

/** Several messages. Each is checked alone: one that is refused does not stop the others. */
export const batchRequest = z.object({
  messages: z
    .array(
      z.looseObject(
        {
          id: z.string(OF_A_MESSAGE),
          text: z.string(OF_A_MESSAGE),
          reply: whole(1, Number.MAX_SAFE_INTEGER, "reply is the seq of a message").optional(),
        },
        OF_A_MESSAGE,
      ),
      OF_A_MESSAGE,
    )
    .min(1, OF_A_MESSAGE)
    .max(BATCH_MESSAGES, OF_A_MESSAGE),
  ...author,
});

const OF_MESSAGES = `one to ${BATCH_MESSAGES} of them`;

/** Messages in a query, a path or a form, each with an id and a text, in order. */
export const messagesRequest = z.object({
  id: z.array(textSchema, OF_MESSAGES).min(1, OF_MESSAGES).max(BATCH_MESSAGES, OF_MESSAGES),
  text: z.array(textSchema, OF_MESSAGES).min(1, OF_MESSAGES).max(BATCH_MESSAGES, OF_MESSAGES),
  reply: z.array(textSchema, OF_MESSAGES).max(BATCH_MESSAGES, OF_MESSAGES).optional(),
  ...author,
});

/** A new text for a message. */
export const editRequest = z.object({ text: textOr("text_invalid"), id: clientIdSchema.optional() });

/** A message to erase. */
export const eraseRequest = z.object({ id: clientIdSchema.optional() });

/** The form that changes a message. It edits, unless it erases. */
export const changeFormRequest = z.object({ erase: choiceSchema.prefault(false) });

/** A whisper. Without `to`, the text is the command `/w name text`. */
export const whisperRequest = z.object({
  id: clientIdSchema,
  text: textSchema.min(1, "text_invalid"),
  to: textSchema.optional(),
  ...author,
});

/** A page of the session's own whispers. */
export const whisperPageRequest = z.object({
  before: seqSchema.optional(),
  limit: whole(1, PAGE_WHISPERS).prefault(HISTORY_MESSAGES),
});

/** A page of history: the newest one, or the one before or around an event or a moment. */
export const historyRequest = z
  .object({
    before: seqSchema.optional(),
    around: seqSchema.optional(),
    at: textSchema.optional().describe("A moment or a date."),
    zone: textSchema.optional().describe("The time zone of a date, by its IANA name."),
    limit: whole(1, PAGE_EVENTS).prefault(HISTORY_MESSAGES),
    whispers: seqSchema.optional().describe("The seq before which the page's own whispers continue."),
  })
  .refine(({ before, around, at }) => [before, around, at].filter((place) => place !== undefined).length <= 1, {
    error: "one of before, around and at",
  });

const OF_A_SEARCH = `1 to ${SEARCH_WORDS} words, at most ${SEARCH_LENGTH} characters`;

/** A search. */
export const searchRequest = z.object({
  text: z
    .string(OF_A_SEARCH)
    .min(1, OF_A_SEARCH)
    .refine((text) => [...text].length <= SEARCH_LENGTH, OF_A_SEARCH)
    .meta({ maxLength: SEARCH_LENGTH }),
  before: seqSchema.optional(),
  limit: whole(1, SEARCH_RESULTS_MAX).prefault(SEARCH_RESULTS),
});

/** The page of a search shows its form without a text. */
export const searchPageRequest = searchRequest.partial({ text: true });

const OF_ROOMS = `one to ${ROOMS_PER_READER} of them`;
const cursors = z.union([looseTextSchema, z.array(looseTextSchema)], "a text").optional();
const reading = {
  room: z
    .array(looseTextSchema, OF_ROOMS)
    .min(1, OF_ROOMS)
    .max(ROOMS_PER_READER, OF_ROOMS)
    .describe("One to eight rooms."),
  after: cursors.describe("Where to start: a cursor, or several. Without one, reading starts at the head."),
  lastEventId: cursors.describe("Another name for `after`, of polyfills."),
  evs_last_event_id: cursors.describe("Another name for `after`, of older polyfills."),
  n: nonceSchema.optional(),
};

/** A poll. */
export const pollRequest = z.object({
  ...reading,
  wait: whole(0, POLL_WAIT_MAX_SECONDS).prefault(POLL_WAIT_SECONDS).describe("The seconds to wait for an event."),
  once: choiceSchema.prefault(false).describe("Closes the connection after the answer."),
});

/** A poll whose path names a room, and `room` more of them. */
export const roomPollRequest = pollRequest.extend({ room: reading.room.optional() });

/** A stream of events. */
export const streamRequest = z.object({
  ...reading,
  ping: whole(2, 60)
    .prefault(PING_MS / 1000)
    .describe("The seconds between two pings."),
  max: whole(STREAM_BYTES_MIN, STREAM_BYTES_MAX).optional().describe("The bytes after which the stream ends."),
  pad: choiceSchema.prefault(false).describe("Sends 2 KiB of comment first."),
  late: choiceSchema.prefault(false),
});

/** A stream as a page of script calls. */
export const frameRequest = streamRequest.extend({
  callback: callbackSchema.describe("The function that the scripts call."),
});

/** The confirmation that a stream arrives. */
export const confirmationRequest = z.object({
  stream: nonce("the nonce of a stream").describe("The nonce of the stream's request."),
});

/** A read of a Durable Stream. */
export const durableRequest = z
  .object({
    offset: looseTextSchema.optional().describe("-1, now, or the Stream-Next-Offset of an answer."),
    live: z.enum(["long-poll", "sse"], "long-poll or sse").optional(),
    cursor: looseTextSchema.optional().describe("The Stream-Cursor of the last answer."),
  })
  .refine(({ live, offset }) => live === undefined || offset !== undefined, {
    path: ["offset"],
    error: "required with live",
  });
