import fc from "fast-check";

/** A part of a request that may contain anything, and how it is encoded there. */
export type OddPlace =
  | { in: "body"; type: string; field?: string }
  | { in: "query" | "path"; field?: string }
  | { in: "header"; name: string }
  | { in: "cookie"; name?: string }
  | { in: "room" };

/**
 * A request that is odd in one place, which pieces fill: each in a run of its own, or all of them
 * in turn.
 */
export type OddRequest = { place: OddPlace; pieces: string[]; inTurn: boolean };

/** The bytes that fill a body to its limit, and those that fit into the head with the rest. */
const BODY_BYTES = 64 * 1024 - 400;
const HEAD_BYTES = 15_000;

const TYPES = [
  "application/x-www-form-urlencoded",
  "application/json",
  "text/plain",
  "application/octet-stream",
  "multipart/form-data; boundary=x",
  "",
];

const FIELDS = ["nickname", "text", "id", "after", "n", "callback", "room", "slug", "title", "token", "color", "wait"];

const HEADERS =
  "Accept Accept-Language Accept-Encoding Authorization Content-Type Content-Encoding Forwarded If-None-Match Last-Event-ID Origin Range Referer Sec-Fetch-Site User-Agent Via X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Any".split(
    " ",
  );

/** All parts. */
export const PLACES: OddPlace[] = [
  ...TYPES.map((type): OddPlace => ({ in: "body", type })),
  ...TYPES.slice(0, 3).flatMap((type) => FIELDS.map((field): OddPlace => ({ in: "body", type, field }))),
  ...(["query", "path"] as const).flatMap((where) => [{ in: where }, ...FIELDS.map((field) => ({ in: where, field }))]),
  ...HEADERS.map((name): OddPlace => ({ in: "header", name })),
  { in: "cookie" },
  { in: "cookie", name: "chattera" },
  { in: "room" },
];

/** Inputs that make parsers, normalizers and matchers slow. */
export const KILLERS: string[][] = [
  ["a&"],
  ["a=1&"],
  ["room=lobby&"],
  ["after=x&"],
  ["&"],
  ["="],
  ["a;"],
  ["; a=1"],
  ["; chattera=x"],
  ["; "],
  [","],
  ["127.0.0.1,"],
  ['for="[::1]",'],
  ["a/b;q=0.1,"],
  ['a/b;c=",'],
  ["ja;q=1,"],
  ["%41"],
  ["%"],
  ["%E3%81%82"],
  ["%ff"],
  ["%2F"],
  ["+"],
  ["["],
  ['{"a":'],
  ['{"a":1,'],
  ['"a",'],
  ["\\u0041"],
  ["\\"],
  ['"'],
  ["9"],
  ["-"],
  ["a"],
  ["a."],
  ["~1-1"],
  [" "],
  ["\t"],
  ["\n"],
  ["\r\n"],
  ["--x\r\n"],
  ["/"],
  ["../"],
  ["http://"],
  ["https://a."],
  ["<"],
  ["#"],
  ["◆"],
  ["\u3000"],
  ["a", "\u0345", "\u0301", "\u0316", "\u0334"],
  ["\u0345\u0301", "\u0316\u0334"],
  ["\u0344"],
  ["か", "\u3099", "\u309a"],
  ["\u1100", "\u1161", "\u11a8"],
  ["\ufdfa"],
  ["\u202e"],
  ["\u200d"],
  ["👩‍👩‍👧"],
  ["🏳️‍🌈"],
  ["🇯🇵"],
  ["İ"],
  ["ß"],
  ["\ud800"],
];

const piece = fc.oneof(
  fc.constantFrom(...KILLERS.flat()),
  fc.string({ unit: "binary", minLength: 1, maxLength: 8 }),
  fc.string({ minLength: 1, maxLength: 8 }),
);

/** Arbitrary odd requests. */
export const oddRequest: fc.Arbitrary<OddRequest> = fc.record({
  place: fc.constantFrom(...PLACES),
  pieces: fc.oneof(fc.constantFrom(...KILLERS), fc.array(piece, { minLength: 1, maxLength: 5 })),
  inTurn: fc.boolean(),
});

/**
 * The target of an odd request. `path` has `:room` in it where a room is named, `fields` are those
 * of a request that is right.
 */
export type OddTarget = { method: string; path: string; token: string; fields: { [name: string]: string } };

/** Returns the bytes of a request. */
export function bytesOf(odd: OddRequest, { method, path, token, fields }: OddTarget): Buffer {
  const { place } = odd;
  const headers: { [name: string]: string } = { Host: "127.0.0.1", Authorization: `Bearer ${token}` };
  let target = path.replace(":room", place.in === "room" ? escaped(filled(odd, HEAD_BYTES)) : "lobby");
  let body = "";
  if (place.in === "query" || place.in === "path") {
    const [before, between] = place.in === "query" ? ["?", "&"] : [";", ";"];
    const text = escaped(filled(odd, HEAD_BYTES), place.field !== undefined);
    const right = Object.entries(fields).filter(([name]) => name !== place.field);
    target += before + right.map(([name, value]) => `${name}=${value}${between}`).join("");
    target += place.field === undefined ? text : `${place.field}=${text}`;
  } else if (place.in === "body") {
    headers["Content-Type"] = place.type;
    body = bodyOf(odd, place, fields);
  } else {
    const right = new URLSearchParams(fields).toString();
    if (method === "POST") body = right;
    else target += `?${right}`;
    headers["Content-Type"] = "application/x-www-form-urlencoded";
    if (place.in === "cookie") {
      // Without a valid token, the cookie is used.
      delete headers.Authorization;
      headers.Cookie = (place.name === undefined ? "" : `${place.name}=`) + inHeader(filled(odd, HEAD_BYTES));
    } else if (place.in === "header") headers[place.name] = inHeader(filled(odd, HEAD_BYTES));
  }
  const bytes = Buffer.from(method === "POST" ? body.toWellFormed() : "");
  headers["Content-Length"] = String(bytes.length);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const line = `${method} ${target.slice(0, HEAD_BYTES)} HTTP/1.1\r\n`;
  return Buffer.concat([Buffer.from(`${line}${lines.join("")}\r\n`), bytes]);
}

function bodyOf(
  odd: OddRequest,
  { type, field }: { type: string; field?: string },
  fields: OddTarget["fields"],
): string {
  const text = filled(odd, BODY_BYTES);
  if (field === undefined) return text;
  if (type !== TYPES[0]) return JSON.stringify({ ...fields, [field]: text });
  const right = Object.entries(fields).filter(([name]) => name !== field);
  return [...right.map(([name, value]) => `${name}=${value}`), `${field}=${text}`].join("&");
}

function filled({ pieces, inTurn }: OddRequest, bytes: number): string {
  if (inTurn) return repeated(pieces.join(""), bytes);
  return pieces.map((one) => repeated(one, bytes / pieces.length)).join("");
}

function repeated(text: string, bytes: number): string {
  return text.repeat(Math.floor(bytes / Math.max(1, Buffer.byteLength(text))));
}

/** Escapes a text for a target: all of it, or only the characters that a target cannot contain. */
function escaped(text: string, isValue = true): string {
  const wellFormed = text.toWellFormed();
  return isValue ? encodeURIComponent(wellFormed) : wellFormed.replace(/[^\x21-\x7e]/gu, encodeURIComponent);
}

/** Removes control characters, which Node's parser would reject. */
function inHeader(text: string): string {
  return text.toWellFormed().replace(/\p{Cc}/gu, "");
}
