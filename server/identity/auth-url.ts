import { createHash, randomBytes } from "node:crypto";
import pLimit from "p-limit";
import { z } from "zod";
import type { Member } from "../../protocol/event.ts";
import { signWebhook } from "../hooks/sign.ts";
import type { Logger } from "../log.ts";
import { countByTheMinute } from "../minute-log.ts";
import { createOutage } from "../outage.ts";
import { refuse } from "../refusal.ts";
import { readHostUser } from "../rooms/host-member.ts";
import type { Credentials, FoundUser } from "./credentials.ts";
import { keepAnswers } from "./keep-answers.ts";

/** The host's address, and how it is asked. */
export type AuthUrlOptions = {
  url: string;
  secret: string;
  /** How long an answer holds that does not say it. */
  seconds: number;
  /** How long an answer counts after that while the host is away. */
  graceSeconds: number;
  logger: Logger;
};

/** Whether a member, or a visitor, may do something. */
export type RightsQuestion = {
  member: Member | null;
  room: { slug: string; title: string; public: boolean } | null;
  act: string;
};

/** The rooms that a member, or a visitor, may see in the lobby. */
export type RoomsQuestion = { member: Member | null; rooms: { slug: string; title: string; public: boolean }[] };

/** Asks the host by HTTP. All throw `unavailable` while it is away and no answer is kept. */
export type AuthUrl = {
  identify(credentials: Credentials): Promise<FoundUser | null>;
  authorize(question: RightsQuestion, credentials: Credentials): Promise<boolean | "no_such_room">;
  /** Returns the slugs of the rooms that somebody may see. */
  see(question: RoomsQuestion, credentials: Credentials): Promise<ReadonlySet<string>>;
};

/** A host that is slower than this is away. */
const TIMEOUT_MS = 3_000;

/** Questions that are under way, and that wait for their turn. */
const QUESTIONS = 16;
const WAITING = 1_000;

/** An answer is a few short fields, or the names of the 200 rooms of a lobby. */
const ANSWER_BYTES = 64 * 1024;

/**
 * After a failure nothing is asked for this time, which doubles with each further failure, so that
 * a host that comes back is not flooded, and no request waits for one that is away.
 */
const PAUSE_MS = 500;
const PAUSE_MAX_MS = 8_000;

const SECONDS = z.int().min(1).max(3_600).optional();
const IDENTIFIED = z.object({ member: z.looseObject({}).transform(readHostUser).nullable(), seconds: SECONDS });
const AUTHORIZED = z.object({
  allow: z.boolean(),
  code: z.enum(["not_allowed", "no_such_room"]).optional(),
  seconds: SECONDS,
});
const SEEN = z.object({ rooms: z.array(z.string()), seconds: SECONDS });

/**
 * Creates the questions to a host. Each is a signed POST, and its answer is kept, so that polls and
 * pages of one person cause one question within `seconds`.
 */
export function createAuthUrl(options: AuthUrlOptions): AuthUrl {
  const graceMs = options.graceSeconds * 1000;
  const users = keepAnswers<FoundUser | null>(graceMs);
  const rights = keepAnswers<boolean | "no_such_room">(graceMs);
  const lobbies = keepAnswers<ReadonlySet<string>>(graceMs);
  const post = createPost(options);
  return {
    identify: async (credentials) => {
      if (credentials.authorization === undefined && credentials.cookie === undefined) return null;
      return users(keyOf(credentials), async () => {
        const { member, seconds } = await post({ ask: "identify", ...credentials }, IDENTIFIED);
        return { value: member, seconds };
      });
    },
    authorize: (question, credentials) =>
      rights(keyOf([question.member, question.room?.slug, question.act, credentials]), async () => {
        const { allow, code, seconds } = await post({ ask: "authorize", ...question, ...credentials }, AUTHORIZED);
        return { value: allow || (code === "no_such_room" ? code : false), seconds };
      }),
    see: (question, credentials) =>
      lobbies(keyOf([question.member, question.rooms.map(({ slug }) => slug), credentials]), async () => {
        const { rooms, seconds } = await post({ ask: "rooms", ...question, ...credentials }, SEEN);
        return { value: new Set(rooms), seconds };
      }),
  };
}

/** Cookies must not stay in memory, so a key is a hash. */
function keyOf(parts: unknown): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}

type Post = <Read extends { seconds?: number | undefined }>(
  question: object,
  schema: z.ZodType<Read>,
) => Promise<Read & { seconds: number }>;

/** Creates the function that asks, a bounded number of questions at a time. */
function createPost({ url, secret, seconds, logger }: AuthUrlOptions): Post {
  const run = pLimit(QUESTIONS);
  const outage = createOutage(logger, "asking the host at CHATTERA_AUTH_URL");
  let cause = "";
  const noteUnusable = countByTheMinute((answers) =>
    logger.warn({ cause, answers }, "an answer of the host at CHATTERA_AUTH_URL cannot be used"),
  );
  let pauseMs = PAUSE_MS;
  let pausedUntil = 0;
  return async (question, schema) => {
    if (performance.now() < pausedUntil || run.pendingCount >= WAITING) throw away();
    const answer = await run(async () => {
      if (performance.now() < pausedUntil) throw away();
      try {
        const read = await send(url, secret, JSON.stringify(question));
        outage.succeeded();
        pauseMs = PAUSE_MS;
        return read;
      } catch (error) {
        outage.failed(error);
        pausedUntil = performance.now() + pauseMs;
        pauseMs = Math.min(PAUSE_MAX_MS, 2 * pauseMs);
        throw away();
      }
    });
    // One user who cannot be read must not keep the others out.
    try {
      const read = schema.parse(answer);
      return { ...read, seconds: read.seconds ?? seconds };
    } catch (error) {
      cause = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
      noteUnusable();
      throw refuse("unavailable", "The host of this site gave an answer that cannot be used.");
    }
  };
}

function away(): Error {
  return refuse("unavailable", "The host of this site cannot be asked just now.");
}

/** Sends a question, and returns the JSON of the answer. */
async function send(url: string, secret: string, body: string): Promise<unknown> {
  const id = `ask_${randomBytes(12).toString("base64url")}`;
  const headers = signWebhook(secret, { id, seconds: Math.floor(Date.now() / 1000), body });
  const answer = await fetch(url, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", accept: "application/json", "user-agent": "chattera" },
    body,
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (answer.status === 200) return JSON.parse(await readText(answer));
  await answer.body?.cancel();
  throw new Error(`answered with ${answer.status}`);
}

async function readText({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.byteLength;
    if (bytes > ANSWER_BYTES) throw new Error(`answered with more than ${ANSWER_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
