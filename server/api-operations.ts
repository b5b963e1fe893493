import { z } from "zod";
import { BATCH_MESSAGES, ROOMS_PER_READER, SEARCH_LENGTH } from "../protocol/limits.ts";
import { PATHS } from "../protocol/paths.ts";
import {
  batch,
  cursor,
  done,
  event,
  mark,
  member,
  named,
  newName,
  page,
  poll,
  receipt,
  results,
  room,
  sent,
  session,
} from "./api-schemas.ts";
import { clientIdSchema, nonceSchema, numberSchemas, seqSchema } from "./wire.ts";

/** One call of the API, as openapi.json describes it. */
export type Operation = {
  id: string;
  method: "get" | "post";
  path: string;
  summary: string;
  query?: Parameters;
  body?: z.ZodType;
  /** The answers by their status: a schema, or the type of a stream. */
  answers: { [status: number]: z.ZodType | string };
  refusals: readonly number[];
  /** Needs a session. */
  isPersonal?: boolean;
  /** Needs an operator's cookie. */
  isOperators?: boolean;
};

type Parameters = { [name: string]: z.ZodType };

/** The parameters of every read of events. */
const reading = {
  room: z.array(z.string()).min(1).max(ROOMS_PER_READER).describe("One to eight rooms."),
  after: z.string().optional().describe("Where to start: a cursor. Without one, reading starts at the head."),
  n: nonceSchema.optional(),
};
const streaming = { ...reading, ping: numberSchemas.ping, max: numberSchemas.max };
const read = [400, 404, 429, 503] as const;
/** The refusals of a call that changes a room. */
export const acting = [400, 401, 403, 404, 409, 429, 503] as const;

const ticket = named("Ticket", z.looseObject({ ...mark, ticket: z.string(), ticketSeconds: z.int() }));
const sentAnswer = named("Sent", z.union([receipt, results]));
const whisperFields = { id: clientIdSchema, text: z.string().min(1), to: z.string().optional() };

/** The calls that take part in rooms. */
export const OPERATIONS: Operation[] = [
  {
    id: "openSession",
    method: "post",
    path: PATHS.session,
    summary: "Opens a session, or renames the one of the token.",
    body: named("NewSession", z.object(newName)),
    answers: { 201: session },
    refusals: [400, 401, 403, 409, 429],
  },
  {
    id: "describeSession",
    method: "get",
    path: PATHS.session,
    summary: "Says who the session's member is, and until when.",
    answers: { 200: named("SessionState", z.looseObject({ ...mark, member, expires: z.iso.datetime() })) },
    refusals: [400, 401],
    isPersonal: true,
  },
  {
    id: "endSession",
    method: "post",
    path: PATHS.sessionEnd,
    summary: "Revokes every token of the session, and leaves every room.",
    answers: { 200: done },
    refusals: [400, 401, 403, 429],
    isPersonal: true,
  },
  {
    id: "listRooms",
    method: "get",
    path: PATHS.rooms,
    summary: "Lists the public rooms.",
    query: { known: z.string().optional().describe("The version that is known already.") },
    answers: {
      200: named("RoomList", z.looseObject({ ...mark, rooms: z.array(room).optional(), version: z.string() })),
    },
    refusals: [400, 401, 429],
  },
  {
    id: "createRoom",
    method: "post",
    path: PATHS.rooms,
    summary: "Makes a room.",
    body: named(
      "NewRoom",
      z.object({
        slug: z.string().min(1),
        title: z.string().optional(),
        public: z.boolean().optional(),
        silent: z.boolean().optional(),
        words: z.boolean().optional(),
      }),
    ),
    answers: { 201: named("CreatedRoom", z.looseObject({ ...mark, room })) },
    refusals: [400, 401, 403, 409, 429],
  },
  {
    id: "readRoom",
    method: "get",
    path: PATHS.roomState(":room"),
    summary: "Reads a room's state, its first 200 members, and the cursor at which reading continues.",
    answers: {
      200: named(
        "RoomState",
        z.looseObject({
          ...mark,
          room,
          members: z.array(member),
          memberCount: z.int(),
          visitors: z.int(),
          cursor,
        }),
      ),
    },
    refusals: [400, 401, 403, 404, 429],
  },
  {
    id: "listMembers",
    method: "get",
    path: PATHS.members(":room"),
    summary: "Lists the members of a room by page.",
    query: { after: z.string().optional().describe("The `next` of a page."), limit: numberSchemas.people },
    answers: {
      200: named("MemberPage", z.looseObject({ ...mark, members: z.array(member), next: z.string().optional() })),
    },
    refusals: [400, 401, 403, 404, 429],
  },
  {
    id: "enterRoom",
    method: "post",
    path: PATHS.enter(":room"),
    summary: "Enters a room.",
    body: named("Entry", z.object({ silent: z.boolean().optional() })),
    answers: { 200: named("Entered", z.looseObject({ ...mark, member })) },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "leaveRoom",
    method: "post",
    path: PATHS.leave(":room"),
    summary: "Leaves a room.",
    answers: { 200: done },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "noteTyping",
    method: "post",
    path: PATHS.typing(":room"),
    summary: "Says that the member is typing.",
    answers: { 200: done },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "rename",
    method: "post",
    path: PATHS.rename(":room"),
    summary: "Renames the session's member in a room.",
    body: named("NewName", z.object(newName)),
    answers: { 200: session },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "sendMessages",
    method: "post",
    path: PATHS.messages(":room"),
    summary: "Sends a message, or several in one commit.",
    body: named("Outgoing", z.union([sent, batch])),
    answers: { 200: sentAnswer, 201: receipt },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "readHistory",
    method: "get",
    path: PATHS.messages(":room"),
    summary: "Reads a page of a room's log, oldest first.",
    query: {
      before: numberSchemas.seq,
      around: numberSchemas.seq,
      at: z.string().optional().describe("A moment or a date."),
      zone: z.string().optional().describe("The time zone of a date, by its IANA name."),
      limit: numberSchemas.history,
    },
    answers: { 200: page },
    refusals: [400, 401, 403, 404, 429],
  },
  {
    id: "editMessage",
    method: "post",
    path: PATHS.edit(":room", ":seq"),
    summary: "Changes the text of one's own message.",
    body: named("Edit", z.object({ text: z.string().min(1), id: clientIdSchema.optional() })),
    answers: { 200: receipt, 201: receipt },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "eraseMessage",
    method: "post",
    path: PATHS.erase(":room", ":seq"),
    summary: "Erases one's own message.",
    body: named("Erase", z.object({ id: clientIdSchema.optional() })),
    answers: { 200: receipt, 201: receipt },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "search",
    method: "get",
    path: PATHS.search(":room"),
    summary: "Finds the messages of a room that contain all words, newest first.",
    query: { text: z.string().min(1).max(SEARCH_LENGTH), before: numberSchemas.seq, limit: numberSchemas.results },
    answers: {
      200: named(
        "Found",
        z.looseObject({ ...mark, events: z.array(event), next: seqSchema.optional(), since: z.string().optional() }),
      ),
    },
    refusals: [400, 401, 403, 404, 429],
  },
  {
    id: "poll",
    method: "get",
    path: PATHS.poll,
    summary: "Waits for events after a cursor.",
    query: { ...reading, wait: numberSchemas.wait },
    answers: { 200: poll },
    refusals: read,
  },
  {
    id: "streamEvents",
    method: "get",
    path: PATHS.events,
    summary: "Streams events after a cursor as Server-Sent Events.",
    query: streaming,
    answers: { 200: "text/event-stream" },
    refusals: [400, 403, 404],
  },
  {
    id: "streamBytes",
    method: "get",
    path: PATHS.stream,
    summary: "Streams the same bytes under a type that no network refuses.",
    query: streaming,
    answers: { 200: "application/octet-stream" },
    refusals: [400, 403, 404],
  },
  {
    id: "readDurable",
    method: "get",
    path: PATHS.durable(":room"),
    summary: "Reads a room as a Durable Stream in JSON mode.",
    query: {
      offset: z.string().optional().describe("-1, now, or the Stream-Next-Offset of an answer."),
      live: z.enum(["long-poll", "sse"]).optional(),
      cursor: z.string().optional().describe("The Stream-Cursor of the last answer."),
    },
    answers: { 200: named("Events", z.array(event)) },
    refusals: [400, 403, 404, 410, 429, 503],
  },
  {
    id: "confirmStream",
    method: "get",
    path: PATHS.here,
    summary: "Confirms that a stream arrives.",
    query: { stream: nonceSchema.describe("The nonce of the stream's request.") },
    answers: { 200: done },
    refusals: [400, 429],
  },
  {
    id: "issueTicket",
    method: "post",
    path: PATHS.sessionTicket,
    summary: "Exchanges a token for a ticket, which may stand in URLs.",
    answers: { 200: ticket },
    refusals: [400, 401, 403, 429],
    isPersonal: true,
  },
  {
    id: "issueTicketByGet",
    method: "get",
    path: PATHS.sessionTicket,
    summary: "The same, for networks that block POST.",
    answers: { 200: ticket },
    refusals: [400, 401, 403, 429],
    isPersonal: true,
  },
  {
    id: "renameByGet",
    method: "get",
    path: PATHS.rename(":room"),
    summary: "Renames the member, for networks that block POST.",
    query: newName,
    answers: { 200: session },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "say",
    method: "get",
    path: PATHS.say(":room"),
    summary: "Sends messages, for networks that block POST. Several have an id and a text each, in order.",
    query: {
      id: z.array(clientIdSchema).min(1).max(BATCH_MESSAGES),
      text: z.array(z.string().min(1)).min(1).max(BATCH_MESSAGES),
      reply: z.array(z.string()).optional(),
      nickname: z.string().optional(),
    },
    answers: { 200: sentAnswer, 201: receipt },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "editMessageByGet",
    method: "get",
    path: PATHS.edit(":room", ":seq"),
    summary: "Changes the text of one's own message, for networks that block POST.",
    query: { text: z.string().min(1), id: clientIdSchema.optional() },
    answers: { 200: receipt, 201: receipt },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "eraseMessageByGet",
    method: "get",
    path: PATHS.erase(":room", ":seq"),
    summary: "Erases one's own message, for networks that block POST.",
    query: { id: clientIdSchema.optional() },
    answers: { 200: receipt, 201: receipt },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "whisper",
    method: "post",
    path: PATHS.whispers(":room"),
    summary: "Whispers to a member. Without `to`, the text is the command `/w name text`.",
    body: named("Whisper", z.object(whisperFields)),
    answers: { 200: receipt, 201: receipt },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "whisperByGet",
    method: "get",
    path: PATHS.whisper(":room"),
    summary: "Whispers to a member, for networks that block POST.",
    query: whisperFields,
    answers: { 200: receipt, 201: receipt },
    refusals: acting,
    isPersonal: true,
  },
  {
    id: "readWhispers",
    method: "get",
    path: PATHS.whispers(":room"),
    summary: "Reads a page of the session's own whispers, oldest first.",
    query: { before: numberSchemas.seq, limit: numberSchemas.whispers },
    answers: { 200: named("WhisperPage", z.looseObject({ ...mark, events: z.array(event), oldest: z.int() })) },
    refusals: [400, 401, 403, 404, 429],
    isPersonal: true,
  },
  {
    id: "pollRoom",
    method: "get",
    path: PATHS.since(":room"),
    summary: "The same poll, where the path of the other one is blocked. `room` adds rooms.",
    query: { ...reading, room: reading.room.optional(), wait: numberSchemas.wait },
    answers: { 200: poll },
    refusals: read,
  },
  {
    id: "pollByPost",
    method: "post",
    path: PATHS.poll,
    summary: "The same poll, with its parameters in the body.",
    body: named("PollRequest", z.object({ ...reading, wait: numberSchemas.wait })),
    answers: { 200: poll },
    refusals: read,
  },
  {
    id: "streamBytesByPost",
    method: "post",
    path: PATHS.stream,
    summary: "The same byte stream, with its parameters in the body.",
    body: named("StreamRequest", z.object(streaming)),
    answers: { 200: "application/octet-stream" },
    refusals: [400, 403, 404],
  },
  {
    id: "streamFrame",
    method: "get",
    path: PATHS.frame,
    summary: "Streams events as a page of script calls, for an iframe of old browsers.",
    query: { ...streaming, callback: z.string().describe("The function that the scripts call.") },
    answers: { 200: "text/html" },
    refusals: [400, 403, 404],
  },
  {
    id: "confirmStreamByPost",
    method: "post",
    path: PATHS.here,
    summary: "Confirms that a stream arrives, by POST.",
    body: named("Confirmation", z.object({ stream: nonceSchema })),
    answers: { 200: done },
    refusals: [400, 429],
  },
];
