import { z } from "zod";
import { PATHS } from "../protocol/paths.ts";
import { acts, byGet, byPost, follows, type Operation, reads, stores } from "./api-call.ts";
import {
  cursor,
  done,
  event,
  mark,
  member,
  named,
  page,
  poll,
  receipt,
  results,
  room,
  session,
} from "./api-schemas.ts";
import {
  batchRequest,
  confirmationRequest,
  durableRequest,
  editRequest,
  entryRequest,
  eraseRequest,
  frameRequest,
  historyRequest,
  messageRequest,
  messagesRequest,
  nameRequest,
  newRoomRequest,
  peopleRequest,
  pollRequest,
  roomListRequest,
  roomPollRequest,
  searchRequest,
  sessionRequest,
  streamRequest,
  whisperPageRequest,
  whisperRequest,
} from "./requests.ts";
import { seqSchema } from "./wire.ts";

const newName = named("NewName", nameRequest);
const sent = named("Sent", z.union([receipt, results]));
const outgoing = named("Outgoing", z.union([named("Message", messageRequest), named("Messages", batchRequest)]));

const answers = {
  session: named("SessionState", z.looseObject({ ...mark, member, expires: z.iso.datetime() })),
  rooms: named("RoomList", z.looseObject({ ...mark, rooms: z.array(room).optional(), version: z.string() })),
  madeRoom: named("CreatedRoom", z.looseObject({ ...mark, room })),
  room: named(
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
  members: named("MemberPage", z.looseObject({ ...mark, members: z.array(member), next: z.string().optional() })),
  entered: named("Entered", z.looseObject({ ...mark, member })),
  found: named(
    "Found",
    z.looseObject({ ...mark, events: z.array(event), next: seqSchema.optional(), since: z.string().optional() }),
  ),
  whispers: named("WhisperPage", z.looseObject({ ...mark, events: z.array(event), oldest: z.int() })),
  ticket: named("Ticket", z.looseObject({ ...mark, ticket: z.string(), ticketSeconds: z.int() })),
};

const ofSessions = [400, 401, 403, 409, 429];
const ofTickets = [400, 401, 403, 429];
const ofStreams = [400, 403, 404];
const ofPolls = [400, 404, 429, 503];

const ticket = acts("issueTicket", PATHS.sessionTicket, {
  summary: "Exchanges a token for a ticket, which may stand in URLs.",
  answer: answers.ticket,
  refusals: ofTickets,
});
const rename = acts("rename", PATHS.rename(":room"), {
  summary: "Renames the session's member in a room.",
  request: newName,
  answer: session,
});
const edit = stores("editMessage", PATHS.edit(":room", ":seq"), {
  summary: "Changes the text of one's own message.",
  request: named("Edit", editRequest),
  answer: receipt,
});
const erase = stores("eraseMessage", PATHS.erase(":room", ":seq"), {
  summary: "Erases one's own message.",
  request: named("Erase", eraseRequest),
  answer: receipt,
});
const whisper = stores("whisper", PATHS.whispers(":room"), {
  summary: "Whispers to a member. Without `to`, the text is the command `/w name text`.",
  request: named("Whisper", whisperRequest),
  answer: receipt,
});
const asPoll = follows("poll", PATHS.poll, {
  summary: "Waits for events after a cursor.",
  request: named("PollRequest", pollRequest),
  answer: poll,
  refusals: ofPolls,
});
const asBytes = follows("streamBytes", PATHS.stream, {
  summary: "Streams the same bytes under a type that no network refuses.",
  request: named("StreamRequest", streamRequest),
  answer: "application/octet-stream",
});
const confirm = follows("confirmStream", PATHS.here, {
  summary: "Confirms that a stream arrives.",
  request: named("Confirmation", confirmationRequest),
  answer: done,
  refusals: [400, 429],
});

/** The calls that take part in rooms. */
export const OPERATIONS: Operation[] = [
  acts("openSession", PATHS.session, {
    summary: "Opens a session, or renames the one of the token.",
    request: newName,
    answer: session,
    status: 201,
    refusals: ofSessions,
    isPersonal: false,
  }),
  reads("describeSession", PATHS.session, {
    summary: "Says who the session's member is, and until when. With a nickname, opens a session like the POST.",
    request: sessionRequest,
    answer: named("SessionAnswer", z.union([answers.session, session])),
    refusals: ofSessions,
  }),
  acts("endSession", PATHS.sessionEnd, {
    summary: "Revokes every token of the session, and leaves every room.",
    answer: done,
    refusals: ofTickets,
  }),
  ticket,
  byGet(ticket),
  reads("listRooms", PATHS.rooms, {
    summary: "Lists the public rooms.",
    request: roomListRequest,
    answer: answers.rooms,
    refusals: [400, 401, 429],
  }),
  acts("createRoom", PATHS.rooms, {
    summary: "Makes a room.",
    request: named("NewRoom", newRoomRequest),
    answer: answers.madeRoom,
    status: 201,
    refusals: ofSessions,
    isPersonal: false,
  }),
  reads("readRoom", PATHS.roomState(":room"), {
    summary: "Reads a room's state, its first 200 members, and the cursor at which reading continues.",
    answer: answers.room,
  }),
  reads("listMembers", PATHS.members(":room"), {
    summary: "Lists the members of a room by page.",
    request: peopleRequest,
    answer: answers.members,
  }),
  acts("enterRoom", PATHS.enter(":room"), {
    summary: "Enters a room.",
    request: named("Entry", entryRequest),
    answer: answers.entered,
  }),
  acts("leaveRoom", PATHS.leave(":room"), { summary: "Leaves a room.", answer: done }),
  acts("noteTyping", PATHS.typing(":room"), { summary: "Says that the member is typing.", answer: done }),
  rename,
  byGet(rename),
  {
    ...stores("sendMessages", PATHS.messages(":room"), {
      summary: "Sends a message, or several in one commit.",
      request: outgoing,
      answer: sent,
    }),
    answers: { 200: sent, 201: receipt },
  },
  {
    ...byGet(stores("say", PATHS.say(":room"), { summary: "Sends messages", request: messagesRequest, answer: sent })),
    id: "say",
    answers: { 200: sent, 201: receipt },
  },
  edit,
  byGet(edit),
  erase,
  byGet(erase),
  whisper,
  byGet(whisper, PATHS.whisper(":room")),
  reads("readWhispers", PATHS.whispers(":room"), {
    summary: "Reads a page of the session's own whispers, oldest first.",
    request: whisperPageRequest,
    answer: answers.whispers,
    isPersonal: true,
  }),
  reads("readHistory", PATHS.messages(":room"), {
    summary: "Reads a page of a room's log, oldest first.",
    request: historyRequest,
    answer: page,
  }),
  reads("search", PATHS.search(":room"), {
    summary: "Finds the messages of a room that contain all words, newest first.",
    request: searchRequest,
    answer: answers.found,
  }),
  asPoll,
  byPost(asPoll),
  follows("pollRoom", PATHS.since(":room"), {
    summary: "The same poll, where the path of the other one is blocked. `room` adds rooms.",
    request: roomPollRequest,
    answer: poll,
    refusals: ofPolls,
  }),
  follows("streamEvents", PATHS.events, {
    summary: "Streams events after a cursor as Server-Sent Events.",
    request: streamRequest,
    answer: "text/event-stream",
  }),
  asBytes,
  byPost(asBytes),
  follows("streamFrame", PATHS.frame, {
    summary: "Streams events as a page of script calls, for an iframe of old browsers.",
    request: frameRequest,
    answer: "text/html",
  }),
  follows("readDurable", PATHS.durable(":room"), {
    summary: "Reads a room as a Durable Stream in JSON mode.",
    request: durableRequest,
    answer: named("Events", z.array(event)),
    refusals: [...ofStreams, 410, 429, 503],
  }),
  confirm,
  byPost(confirm),
];
