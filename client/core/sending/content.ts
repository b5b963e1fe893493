import { isOwn } from "../../../protocol/own.ts";
import { param, textParam } from "../base/address.ts";
import type { Json } from "../base/http.ts";

/** Named values of a request. */
export type Fields = { [name: string]: string };

/**
 * The content of a request: sent by POST to `path`, or by GET to `getPath` where POST is blocked.
 * Several parts are several messages.
 */
export type Content = {
  path: string;
  getPath?: string;
  needsToken?: boolean;
  /** The answer has a token, for which a ticket is no proof. */
  givesToken?: boolean;
  parts: Fields[];
};

/** The encoded parts of a request: the first ones, as many as it carries. */
export type Encoded = { text: string; carried: number };

// 50 short messages, or three of the longest in Japanese. On a line of 2 kB/s they take 8 s.
const MOST_BYTES = 16_384;

/** Returns the body of a form with the first parts, at most `most`, and the fields of `rest`. */
export function formOf(parts: Fields[], rest: Fields, most: number): Encoded {
  const { text, carried } = join(parts, { most, encode: formFields, between: "&" });
  return { text: text === "" ? formFields(rest) : `${text}&${formFields(rest)}`, carried };
}

/**
 * Returns a body in JSON, as formOf() does. Only strings are printed, since a page's script may
 * have changed how its lists and objects are printed [Prototype.js: Array.prototype.toJSON].
 */
export function jsonOf(
  { print }: Json,
  { parts, rest, most }: { parts: Fields[]; rest: Fields; most: number },
): Encoded {
  const encode = (fields: Fields) => joinFields(fields, ",", (name, value) => `${print(name)}:${print(value)}`);
  const { text, carried } = join(parts, { most, encode, between: "},{" });
  const more = encode(rest);
  if (carried > 1) return { text: `{"messages":[{${text}}],${more}}`, carried };
  return { text: text === "" ? `{${more}}` : `{${text},${more}}`, carried };
}

/** Returns the parameters of a path with the first parts, in at most `length` characters. */
export function paramsOf(parts: Fields[], most: number, length: number): Encoded {
  let text = "";
  let carried = 0;
  for (; carried < parts.length && (carried === 0 || carried < most); carried++) {
    const fields = parts[carried] as Fields;
    const more = joinFields(fields, "", (name, value) =>
      (name === "id" || name === "reply" ? param : textParam)(name, value),
    );
    if (carried > 0 && text.length + more.length > length) break;
    text += more;
  }
  return { text, carried };
}

/** Returns whether a request can carry a text: half of a surrogate pair cannot be encoded. */
export function isSayable(text: unknown): boolean {
  try {
    return typeof text === "string" && encodeURIComponent(text) !== "";
  } catch (_isHalf) {
    return false;
  }
}

type Joining = { most: number; encode(fields: Fields): string; between: string };

function join(parts: Fields[], { most, encode, between }: Joining): Encoded {
  let text = "";
  let bytes = 0;
  let carried = 0;
  for (; carried < parts.length && (carried === 0 || carried < most); carried++) {
    const more = encode(parts[carried] as Fields);
    bytes += between.length + bytesOf(more);
    if (carried > 0 && bytes > MOST_BYTES) break;
    text += (carried === 0 ? "" : between) + more;
  }
  return { text, carried };
}

function formFields(fields: Fields): string {
  return joinFields(fields, "&", (name, value) => `${name}=${encodeURIComponent(value)}`);
}

function joinFields(fields: Fields, between: string, encode: (name: string, value: string) => string): string {
  let out = "";
  for (const name in fields) {
    const value: unknown = fields[name];
    if (isOwn(fields, name) && typeof value === "string") out += (out === "" ? "" : between) + encode(name, value);
  }
  return out;
}

function bytesOf(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
  }
  return bytes;
}
