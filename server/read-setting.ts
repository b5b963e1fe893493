import { z } from "zod";

/**
 * A way to write an option as the text of an environment variable. `type` is the option's type in
 * TypeScript. `read` returns text that it cannot read as it is, and the option's schema rejects it;
 * `problem` then replaces the schema's sentence. `write` writes a value that is not its own text.
 */
export type Spelling = {
  type: string;
  read(text: string): unknown;
  write?(value: unknown): string;
  problem?: string;
};

/** The ways to write an option as text, by name. */
export const SPELLINGS = {
  text: { type: "string", read: (text) => text },
  number: { type: "number", read: (text) => (DECIMAL.test(text) ? Number(text) : text) },
  flag: {
    type: "boolean",
    read: (text) => FLAGS.get(text) ?? text,
    write: (value) => (value === true ? "on" : "off"),
    problem: "must be on or off",
  },
  /** Separated by commas or spaces. */
  list: { type: "string[]", read: (text) => text.split(/[\s,]+/).filter((entry) => entry !== "") },
  /** Separated by commas, so that a secret may contain spaces. */
  secrets: { type: "string[]", read: (text) => text.split(",").map((secret) => secret.trim()) },
  /** Separated by commas of any script or by line ends, so that a name may contain spaces. */
  names: { type: "string[]", read: (text) => text.split(/[,、，\n]/) },
  /** A text of several lines. Unit files and shells write a line end as `\n`. */
  lines: { type: "string", read: (text) => text.replaceAll("\\n", "\n") },
} as const satisfies { [name: string]: Spelling };

/** Number() would also read "0x10" and "1e3", which are more often slips than numbers. */
const DECIMAL = /^-?\d+(\.\d+)?$/;

const FLAGS = new Map([
  ["on", true],
  ["off", false],
]);

/** Returns the schema of a text. */
export function text() {
  return z.string("must be a string");
}

/** Returns the schema of a whole number from `min` to `max`, both included. */
export function wholeNumber(min: number, max?: number) {
  const range = max === undefined ? `, ${min} or more` : ` from ${min} to ${max}`;
  const problem = `must be a whole number${range}`;
  return numberWithin(min, max, problem).refine(Number.isInteger, problem);
}

/**
 * Returns the schema of a number from `min` to `max`, both included. `problem` is the error for
 * others.
 */
export function numberWithin(
  min: number,
  max = Number.MAX_SAFE_INTEGER,
  problem = `must be a number from ${min} to ${max}`,
) {
  return z.number(problem).refine((value) => value >= min && value <= max, { error: problem, abort: true });
}

/**
 * Returns the schema of a list. The error quotes the first entry that `isValid` rejects, and says
 * what is expected.
 */
export function listOf(isValid: (entry: string) => boolean, expected: string) {
  return strings().superRefine((entries, context) => {
    const invalid = entries.find((entry) => !isValid(entry));
    if (invalid !== undefined) context.addIssue(`${JSON.stringify(withoutUser(invalid))} is not ${expected}`);
  });
}

/** Leaves out what is before the last @, since an address may have a password there. */
function withoutUser(entry: string): string {
  return entry.replace(/^.*@/s, "…@");
}

/** Returns the schema of a secret of `min` characters or more. */
export function secret(min: number) {
  return text().refine((value) => value.trim().length >= min, `must be ${min} characters or more`);
}

/**
 * Returns the schema of a secret that signs as Standard Webhooks says. Node skips what is not
 * base64, so a slip after `whsec_` would leave a key that anybody can guess.
 */
export function signingSecret() {
  const problem = "must be base64 of 16 bytes or more after whsec_";
  return secret(24).refine((value) => !value.startsWith("whsec_") || bytesOf(value.slice(6)) >= 16, problem);
}

function bytesOf(base64: string): number {
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(base64) ? Buffer.from(base64, "base64").length : 0;
}

/** Returns the schema of a list of strings. */
export function strings() {
  return z.array(z.string("must be a list of strings"), "must be a list of strings");
}
