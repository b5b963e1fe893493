import { isOwn } from "../../protocol/own.ts";
import type { Json } from "../core/base/http.ts";

// [json2.js] If a text has only brackets, commas and colons apart from strings, numbers, words and
// opening brackets in valid places, it calls nothing.
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/g;
const VALUE = /"[^"\\\n\r]*"|true|false|null|-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?/g;
const OPENING = /(?:^|:|,)(?:\s*\[)+/g;
const PUNCTUATION = /^[\],:{}\s]*$/;

/**
 * JSON for browsers without it [IE7], or with a faulty one [KB976662: IE8 prints an empty field as
 * "null"].
 */
export const json: Json = { parse, print };

function parse(text: string): unknown {
  if (typeof JSON !== "undefined") return JSON.parse(text);
  const rest = text.replace(ESCAPE, "@").replace(VALUE, "]").replace(OPENING, "");
  if (!PUNCTUATION.test(rest)) throw "no JSON";
  // [IE7] The text was checked to be data, so this runs no foreign script.
  return new Function(`return(${text})`)();
}

function print(value: unknown): string {
  if (typeof value === "string") return `"${value.replace(/[^ !#-[\]-~]/g, escaped)}"`;
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value);
  let out = "";
  if (Object.prototype.toString.call(value) === "[object Array]") {
    const list = value as unknown[];
    for (let i = 0; i < list.length; i++) out += (i > 0 ? "," : "") + json.print(list[i]);
    return `[${out}]`;
  }
  const members = value as { [name: string]: unknown };
  for (const name in members) {
    if (isOwn(members, name) && members[name] !== undefined)
      out += `${out === "" ? "" : ","}${json.print(name)}:${json.print(members[name])}`;
  }
  return `{${out}}`;
}

function escaped(character: string): string {
  return `\\u${(65536 + character.charCodeAt(0)).toString(16).slice(1)}`;
}
