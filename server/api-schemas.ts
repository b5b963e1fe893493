import { z } from "zod";
import { REFUSALS } from "./refusal.ts";
import { colorSchema, nonceSchema, seqSchema } from "./wire.ts";

/** The schemas that the description names. */
export const components = z.registry<{ id: string }>();

/** Names a schema in the description. Returns it. */
export function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  components.add(schema, { id });
  return schema;
}

/** The members that every answer has. */
export const mark = { chattera: z.literal(1), n: nonceSchema.optional() };

/** A person in a room. */
export const member = named(
  "Member",
  z.looseObject({
    id: z.string(),
    nickname: z.string(),
    color: colorSchema,
    trip: z.string().optional(),
    tag: z.string().optional(),
  }),
);

/** An entry of a log. */
export const event = named(
  "Event",
  z.looseObject({
    room: z.string(),
    seq: seqSchema,
    kind: z
      .string()
      .describe("message, enter, leave, edit, erase, rename, unname, notice. Skip kinds that you do not know."),
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

/**
 * The refusals of the calls that are described, by status, each with the codes that it can have.
 */
export const problems = Object.fromEntries(
  [400, 401, 403, 404, 409, 410, 413, 415, 429, 503].map((status) => [status, problemOf(status)]),
);

/** A place in the log. */
export const cursor = z.string().describe("A place in the log.");
/** A session that was opened. */
export const session = named("Session", z.looseObject({ ...mark, token: z.string(), member }));
/** The receipt of a message. */
export const receipt = named("Receipt", z.looseObject({ ...mark, event, cursor }));
/** An answer without more. */
export const done = named("Done", z.looseObject(mark));
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
/** The outcomes of several messages. */
export const results = named(
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
/** A page of history. */
export const page = named(
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
/** The answer to a poll. */
export const poll = named(
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
/** A room, in short. */
export const room = z.looseObject({ slug: z.string(), title: z.string() });

function problemOf(status: number): z.ZodType {
  const codes = Object.entries(REFUSALS).filter(([, refusal]) => refusal.status === status);
  return named(
    `Problem${status}`,
    z.looseObject({
      chattera: z.literal(1),
      type: z.string(),
      title: z.string(),
      status: z.literal(status),
      code: z.enum(codes.map(([code]) => code) as [string, ...string[]]),
      detail: z.string(),
    }),
  );
}
