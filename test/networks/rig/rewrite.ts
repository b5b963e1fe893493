import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { inPieces } from "./hold.ts";
import type { Misbehaviour, ProxyAnswer, ProxyRequest } from "./proxy.ts";

/** Removes parameters from the path, as servers of Java do with a session's. */
export const stripParams: Misbehaviour = (asked, pass) => pass({ ...asked, path: asked.path.replace(/;[^?]*/, "") });

/** Encodes characters of the path that need not be encoded. */
export const encodePath: Misbehaviour = (asked, pass) => {
  const [path = "", ...query] = asked.path.split("?");
  const encoded = path.replace(/[;=~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  return pass({ ...asked, path: [encoded, ...query].join("?") });
};

/** Returns whether the path has parameters. */
export const hasParams = ({ path }: ProxyRequest): boolean => path.includes(";");

/** Returns whether a URL is longer than this. */
export const isUrlLonger =
  (than: number) =>
  ({ path }: ProxyRequest): boolean =>
    path.length > than;

/** Returns whether a body is longer than this. */
export const isBodyLonger =
  (than: number) =>
  ({ body }: ProxyRequest): boolean =>
    body.length > than;

/** Answers 200 where the site answered another 2xx. */
export const callSuccess200: Misbehaviour = async (asked, pass) => {
  const answer = await pass(asked);
  return answer.status > 200 && answer.status < 300 ? { ...answer, status: 200 } : answer;
};

/** Passes each body on after a time. */
export function delayUploads(ms: number): Misbehaviour {
  return async (asked, pass) => {
    if (asked.body.length > 0) await sleep(ms);
    return pass(asked);
  };
}

/** Never answers a POST, and does not pass it on. */
export const swallowPosts: Misbehaviour = (asked, pass) =>
  asked.method === "POST" ? new Promise(() => undefined) : pass(asked);

/** Passes answers on in pieces of a few bytes. */
export function inSmallPieces(bytes: number): Misbehaviour {
  return inPieces(async function* (pieces) {
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length; at += bytes) {
        yield piece.subarray(at, at + bytes);
        await sleep(1);
      }
    }
  });
}

/** Passes on once in a while what has come of an answer. */
export function flushEvery(ms: number): Misbehaviour {
  return inPieces(async function* (pieces) {
    let held: Buffer[] = [];
    let isOver = false;
    const all = (async () => {
      for await (const piece of pieces) held.push(piece);
    })()
      .catch(() => undefined)
      .then(() => {
        isOver = true;
      });
    while (!isOver) {
      await Promise.race([sleep(ms), all]);
      const now = held;
      held = [];
      for (const piece of now) yield piece;
    }
  });
}

/** Puts a byte order mark before each text. */
export const markTexts: Misbehaviour = async (asked, pass) => {
  const answer = await pass(asked);
  if (!isText(answer) || answer.status !== 200) return answer;
  const { "content-length": _, ...headers } = answer.headers;
  const mark = inPieces(async function* (pieces) {
    yield Buffer.from("\uFEFF");
    yield* pieces;
  });
  return mark(asked, async () => ({ ...answer, headers }));
};

/** Puts a script of its own into each page, whose policy it does not know. */
export const insertScripts: Misbehaviour = async (asked, pass) => {
  const answer = await pass({ ...asked, headers: { ...asked.headers, "accept-encoding": "identity" } });
  if (!String(answer.headers["content-type"]).startsWith("text/html")) return answer;
  const { "content-length": _, "content-security-policy": __, ...headers } = answer.headers;
  const text = (await buffer(answer.body)).toString();
  const changed = text.replace(/<head[^>]*>/i, "$&<script>window.scanned = true</script>");
  return { ...answer, headers, body: Readable.from([Buffer.from(changed)]) };
};

/** Requests every URL once more after a while, without cookies, to scan the answer. */
export function scanAgain(ms: number): Misbehaviour {
  return (asked, pass) => {
    const { cookie: _, authorization: __, ...headers } = asked.headers;
    const over = AbortSignal.timeout(ms + 5_000);
    if (asked.method === "GET")
      sleep(ms, undefined, { ref: false })
        .then(() => pass({ ...asked, headers, over }))
        .then(({ body }) => body.on("error", () => undefined).resume())
        .catch(() => undefined);
    return pass(asked);
  };
}

/** Ends each answer of unknown length after these bytes, as if it were whole. */
export function endEarly(bytes: number): Misbehaviour {
  const shorten = inPieces(async function* (pieces) {
    let left = bytes;
    for await (const piece of pieces) {
      yield piece.subarray(0, left);
      left -= piece.length;
      if (left <= 0) return;
    }
  });
  return async (asked, pass) => {
    const answer = await pass(asked);
    return answer.headers["content-length"] === undefined ? shorten(asked, async () => answer) : answer;
  };
}

function isText({ headers }: ProxyAnswer): boolean {
  return /^text\/|json|javascript/.test(String(headers["content-type"])) && headers["content-encoding"] === undefined;
}
