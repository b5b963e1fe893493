import { createHash, randomBytes } from "node:crypto";
import type { Member } from "../../protocol/event.ts";
import { TEXT_LENGTH } from "../../protocol/limits.ts";
import { refuse } from "../refusal.ts";
import { colorOf } from "./member.ts";
import { readNickname } from "./nickname.ts";

/** The key in the address of an incoming webhook: 192 random bits. */
const KEY_BYTES = 24;

/** Makes the key of an incoming webhook, the hash that is stored of it, and an id for lists. */
export function newIncomingKey(): { id: string; key: string; hash: string } {
  const key = randomBytes(KEY_BYTES).toString("base64url");
  return { id: randomBytes(6).toString("hex"), key, hash: hashOfKey(key) };
}

/** Returns the hash that is stored of a key. */
export function hashOfKey(key: string): string {
  return createHash("sha256").update(`incoming webhook ${key}`).digest("base64url");
}

/** Reads the name above the notices of a webhook. Throws `nickname_invalid`. */
export function readWebhookName(typed: string): string {
  const { nickname, secret } = readNickname(typed);
  if (secret !== undefined) throw refuse("nickname_invalid");
  return nickname;
}

/** Returns the member under which a webhook posts. */
export function memberOfWebhook({ id, name }: { id: string; name: string }): Member {
  return { id: `webhook-${id}`, nickname: name, color: colorOf(name) };
}

/** Returns the client id for the id of a sender, which may be any text. */
export function clientIdOf(id: string): string {
  return createHash("sha256").update(id).digest("base64url").slice(0, 32);
}

type Fields = { [name: string]: unknown };

/**
 * Returns the text of a notice from the fields of a body: `text`, or `payload` with JSON in it, as
 * senders for Slack write them. Without a text, that of the attachments counts. A longer text is
 * cut: an alarm without its end is better than none. Throws `malformed`.
 */
export function noticeOf(body: Fields): { text: string; id: string | undefined } {
  const fields = typeof body.payload === "string" ? parsePayload(body.payload) : body;
  const text = typeof fields.text === "string" && fields.text.trim() !== "" ? fields.text : attachmentsOf(fields);
  if (text === undefined) throw refuse("malformed", "text: a string, in JSON, in a form, or as text/plain");
  return { text: shortened(plain(text)), id: typeof fields.id === "string" ? fields.id : undefined };
}

function parsePayload(json: string): Fields {
  try {
    const payload: unknown = JSON.parse(json);
    if (typeof payload === "object" && payload !== null) return payload as Fields;
  } catch {
    // The same answer as for a payload that is no object.
  }
  throw refuse("malformed", "payload: JSON with a text");
}

/** Monitoring programs put everything into attachments. */
function attachmentsOf({ attachments }: Fields): string | undefined {
  if (!Array.isArray(attachments)) return undefined;
  const lines = attachments.slice(0, ATTACHMENTS).flatMap((one: unknown) => {
    const { pretext, title, text, fallback } = (one ?? {}) as Fields;
    const said = [pretext, title, text].filter((part) => typeof part === "string" && part.trim() !== "");
    return said.length > 0 || typeof fallback !== "string" ? said : [fallback];
  });
  return lines.length === 0 ? undefined : lines.join("\n");
}

const ATTACHMENTS = 20;

/** Writes the links and the escapes of Slack as plain text. */
function plain(text: string): string {
  return text
    .replace(/<(https?:\/\/[^\s|>]+)\|([^>]*)>/g, "$2 ( $1 )")
    .replace(/<(https?:\/\/[^\s|>]+)>/g, "$1")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

function shortened(text: string): string {
  const points = [...text.replace(UNSHOWN, "").trim()];
  return points.length <= TEXT_LENGTH ? points.join("") : `${points.slice(0, TEXT_LENGTH - 1).join("")}…`;
}

/** Terminals' colors, and what PostgreSQL cannot store. */
const UNSHOWN = /[[\p{Cc}\p{Cs}]--[\t\n\r]]/gv;
