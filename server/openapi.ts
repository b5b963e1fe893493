import { z } from "zod";
import { ROOMS_PER_READER, SEARCH_LENGTH } from "../protocol/limits.ts";
import { PATHS } from "../protocol/paths.ts";
import { REFUSALS } from "./refusal.ts";
import { batchSchema, clientIdSchema, colorSchema, nonceSchema, numberSchemas, seqSchema } from "./wire.ts";

/** One call of the API, as openapi.json describes it. */
type Operation = {
  id: string;
  method: "get" | "post";
  path: string;
  summary: string;
  query?: Parameters;
  body?: z.ZodType;
  /** The answers by their status: a schema, or the type of a stream. */
  answers: { [status: number]: z.ZodType | string };
  refusals: readonly (400 | 401 | 403 | 404 | 409 | 410 | 429 | 503)[];
  /** Needs a session. */
  isPersonal?: boolean;
};

type Parameters = { [name: string]: z.ZodType };

/** A call of the API, as its route names it. */
export type ApiCall = { method: string; path: string };

/**
 * Returns the description of the API in OpenAPI 3.1 [OAS 3.1.1]. The schemas of parameters and
 * bodies are those by which the server reads requests. `base` is the site's base path. `calls` are
 * all calls of the site; those that are not described below are listed with their path alone.
 */
export function describeApi(base: string, calls: ApiCall[]): object {
  return {
    openapi: "3.1.1",
    info: {
      title: "chattera",
      version: "2",
      summary: "Rooms in which people talk, over plain HTTP.",
      description: "docs/protocol.md says what each call promises.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: base === "" ? "/" : base }],
    tags: [{ name: "chattera", description: "All calls." }],
    paths: pathsOf([...OPERATIONS, ...calls.filter((call) => !isDescribed(call)).map(outlineOf)]),
    components: {
      schemas: schemasOf(),
      securitySchemes: { session: { type: "http", scheme: "bearer", description: "The token of POST /api/session." } },
    },
  };
}

const components = z.registry<{ id: string }>();

function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  components.add(schema, { id });
  return schema;
}

const mark = { chattera: z.literal(1), n: nonceSchema.optional() };

const member = named(
  "Member",
  z.looseObject({
    id: z.string(),
    nickname: z.string(),
    color: colorSchema,
    trip: z.string().optional(),
    tag: z.string().optional(),
  }),
);

const event = named(
  "Event",
  z.looseObject({
    room: z.string(),
    seq: seqSchema,
    kind: z.string().describe("message, enter, leave, edit, erase, rename, notice. Skip kinds that you do not know."),
    member,
    at: z.iso.datetime(),
    text: z.string().optional(),
    id: z.string().optional(),
    reply: seqSchema.optional(),
    target: seqSchema.optional(),
    former: member.optional(),
    edited: z.literal(true).optional(),
    erased: z.literal(true).optional(),
  }),
);

const problem = named(
  "Problem",
  z.looseObject({
    chattera: z.literal(1),
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(REFUSALS) as [string, ...string[]]),
    detail: z.string(),
  }),
);

const cursor = z.string().describe("A place in the log.");
const session = named("Session", z.looseObject({ ...mark, token: z.string(), member }));
const receipt = named("Receipt", z.looseObject({ ...mark, event, cursor }));
const done = named("Done", z.looseObject(mark));
const reset = named(
  "Reset",
  z.looseObject({
    room: z.string(),
    reason: z.enum(["malformed", "epoch", "future", "pruned"]),
    cursor,
    oldest: z.int(),
    head: z.int(),
  }),
);
const results = named(
  "Results",
  z.looseObject({
    ...mark,
    results: z.array(
      z.looseObject({
        event: event.optional(),
        isNew: z.boolean().optional(),
        code: z.string().optional(),
        detail: z.string().optional(),
        retryAfter: z.int().optional(),
      }),
    ),
    cursor,
  }),
);
const page = named(
  "HistoryPage",
  z.looseObject({
    ...mark,
    events: z.array(event),
    skipped: z
      .array(
        z.looseObject({
          first: seqSchema,
          last: seqSchema,
          enters: z.int().optional(),
          leaves: z.int().optional(),
        }),
      )
      .optional(),
    oldest: z.int(),
    isNewest: z.boolean().optional(),
    seq: z.int().optional(),
  }),
);
const poll = named(
  "PollAnswer",
  z.looseObject({
    ...mark,
    events: z.array(event),
    signals: z.array(z.looseObject({ signal: z.string() })),
    cursor,
    reset: reset.optional(),
    resets: z.array(reset).optional(),
    stale: z.number().optional(),
  }),
);
const figures = { members: z.int(), visitors: z.int() };
const room = z.looseObject({ slug: z.string(), title: z.string() });
const newName = { nickname: z.string().min(1).max(200), color: colorSchema.optional() };
const sent = named(
  "Message",
  z.object({
    id: clientIdSchema,
    text: z.string().min(1),
    reply: seqSchema.optional(),
    nickname: z.string().optional(),
  }),
);
const batch = named("Messages", z.object({ messages: batchSchema, nickname: z.string().optional() }));

const reading: Parameters = {
  room: z.array(z.string()).min(1).max(ROOMS_PER_READER).describe("One to eight rooms."),
  after: z.string().optional().describe("Where to start: a cursor. Without one, reading starts at the head."),
  n: nonceSchema.optional(),
};
const streaming: Parameters = { ...reading, ping: numberSchemas.ping, max: numberSchemas.max };
const read = [400, 404, 429, 503] as const;
const acting = [400, 401, 403, 404, 409, 429, 503] as const;

const OPERATIONS: Operation[] = [
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
          visitors: figures.visitors,
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
    answers: { 200: named("Sent", z.union([receipt, results])), 201: receipt },
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
];

/** Calls of the doctor's page and of the operators' pages, which no other client needs. */
const OF_PAGES = /^\/api\/(doctor|operate)\b/;

function isDescribed({ method, path }: ApiCall): boolean {
  return (
    OF_PAGES.test(path) || OPERATIONS.some((known) => known.path === path && known.method === method.toLowerCase())
  );
}

/** Returns what is known of a call by its path: its other form is described, or the protocol is. */
function outlineOf({ method, path }: ApiCall): Operation {
  const words = path.split("/").flatMap((part) => part.split(/\W+/));
  const id = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
  return {
    id: method.toLowerCase() + id.replace(/^Api/, ""),
    method: method.toLowerCase() as Operation["method"],
    path,
    summary: "See docs/protocol.md.",
    answers: { 200: done },
    refusals: acting,
  };
}

function pathsOf(operations: Operation[]): object {
  const paths: { [path: string]: { [method: string]: object } } = {};
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [operation.method]: describe(operation) };
  }
  return paths;
}

function describe({ id, path, summary, query = {}, body, answers, refusals, isPersonal = false }: Operation): object {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: name === "seq" ? jsonOf(seqSchema) : { type: "string" },
  }));
  const inQuery = Object.entries(query).map(([name, schema]) => ({
    name,
    in: "query",
    required: !schema.safeParse(undefined).success,
    schema: jsonOf(schema),
  }));
  const parameters = [...inPath, ...inQuery];
  return {
    operationId: id,
    tags: ["chattera"],
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: { "application/json": { schema: refTo(body) } } } }),
    responses: { ...answersOf(answers), ...refusalsOf(refusals) },
    // A read needs no session. With one, the reader counts as its member.
    security: isPersonal ? [{ session: [] }] : [{}, { session: [] }],
  };
}

function answersOf(answers: Operation["answers"]): object {
  return Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => {
      const [type, schema] =
        typeof answer === "string" ? [answer, { type: "string" }] : ["application/json", refTo(answer)];
      return [status, { description: status === "201" ? "It is stored." : "OK", content: { [type]: { schema } } }];
    }),
  );
}

function refusalsOf(statuses: Operation["refusals"]): object {
  return Object.fromEntries(
    statuses.map((status) => {
      const codes = Object.entries(REFUSALS).filter(([, refusal]) => refusal.status === status);
      const description = `Refused: ${codes.map(([code]) => code).join(", ")}.`;
      return [status, { description, content: { "application/problem+json": { schema: refTo(problem) } } }];
    }),
  );
}

function refTo(schema: z.ZodType): object {
  return { $ref: `#/components/schemas/${components.get(schema)?.id}` };
}

function jsonOf(schema: z.ZodType): object {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io: "input" });
  return json;
}

function schemasOf(): object {
  const { schemas } = z.toJSONSchema(components, { io: "input", uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _dialect, $id: _uri, ...schema }]) => [id, schema]),
  );
}
