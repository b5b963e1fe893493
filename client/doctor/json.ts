import { isOwn } from "../../protocol/own.ts";

/**
 * Parses JSON from chattera's own server. [IE7] has no JSON, so there the text is checked and
 * evaluated.
 */
export function parseJson(text: string): unknown {
  if (typeof JSON !== "undefined") return JSON.parse(text);
  // [RFC 4627 6] Without its strings, JSON consists of these characters only.
  if (/[^,:{}[\]0-9.\-+Eaeflnr-u \n\r\t]/.test(text.replace(/"(\\.|[^"\\])*"/g, ""))) throw new Error("not JSON");
  return new Function(`return (${text})`)();
}

/** Formats numbers, booleans, simple texts, and objects and lists of them, for people to read. */
export function printJson(value: unknown, margin = ""): string {
  if (typeof value === "string") return `"${value.replace(/["\\]/g, "\\$&")}"`;
  if (typeof value !== "object" || value === null) return String(value);
  const inner = `${margin}  `;
  const isList = Object.prototype.toString.call(value) === "[object Array]";
  const members: string[] = [];
  const object = value as { [name: string]: unknown };
  for (const name in object)
    if (isOwn(object, name) && object[name] !== undefined)
      members.push(inner + (isList ? "" : `"${name}": `) + printJson(object[name], inner));
  const joined = members.length === 0 ? "" : `\n${members.join(",\n")}\n${margin}`;
  return isList ? `[${joined}]` : `{${joined}}`;
}
