import { readFileSync } from "node:fs";

/**
 * The clients whose requests are recorded: the site's page in Chromium, and `chattera/client` in
 * Node.
 */
export type ClientName = "page" | "npm";

/**
 * Requests by name, for example `member poll`, with `{{placeholders}}` for what differs each time.
 */
export type Templates = { [name: string]: string };

/** The values of placeholders. */
export type Values = { [name: string]: string };

/** Reads the recorded requests of a client, which bench/record.ts writes. */
export function readTemplates(client: ClientName): Templates {
  const [, ...sections] = readFileSync(fileOf(client), "utf8").split(/^### /m);
  return Object.fromEntries(
    sections.map((section) => {
      const [name = "", ...lines] = section.split("\n");
      const bodyAt = lines.indexOf("");
      return [name, `${lines.slice(0, bodyAt).join("\r\n")}\r\n\r\n${lines[bodyAt + 1] ?? ""}`];
    }),
  );
}

/**
 * Writes requests in the form of .http files: a name behind `###`, the request line, header lines,
 * the body.
 */
export function formatTemplates(templates: Templates): string {
  const sections = Object.entries(templates).map(([name, text]) => `### ${name}\n${text.replaceAll("\r\n", "\n")}`);
  return [NOTE, ...sections.map((section) => section.trimEnd())].join("\n\n").concat("\n");
}

const NOTE = "# What the real client sends. Written by bench/record.ts; test/bench/clients.test.ts compares it.";

/** The file of a client's requests. */
export function fileOf(client: ClientName): URL {
  return new URL(`${client}.http`, import.meta.url);
}

/**
 * Compiles a template. The function it returns fills in values; those that stay the same can be
 * given here. `length` is the body's, in bytes.
 */
export function compile(text: string, constant: Values = {}): (values?: Values) => string {
  const [head = "", body = ""] = text.split(/(?<=\r\n\r\n)/);
  const ofHead = partsOf(head, constant);
  const ofBody = partsOf(body, constant);
  return (values = {}) => {
    const filled = fill(ofBody, values);
    return fill(ofHead, { ...values, length: String(Buffer.byteLength(filled)) }) + filled;
  };
}

/** Texts, and at odd places the names of what stands between them. */
function partsOf(text: string, constant: Values): string[] {
  const known = text.replace(/\{\{(\w+)\}\}/g, (placeholder, name) => constant[name] ?? placeholder);
  return known.split(/\{\{(\w+)\}\}/);
}

function fill(parts: string[], values: Values): string {
  let text = parts[0] as string;
  for (let n = 1; n < parts.length; n += 2) {
    const value = values[parts[n] as string];
    if (value === undefined) throw new Error(`no value for ${parts[n]}`);
    text += value + (parts[n + 1] as string);
  }
  return text;
}
