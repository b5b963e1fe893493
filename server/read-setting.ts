import { z } from "zod";

/** Returns the schema of a whole number from `min` to `max`, both included. */
export function wholeNumber(min: number, max?: number) {
  const range = max === undefined ? `, ${min} or more` : ` from ${min} to ${max}`;
  return numberWithin(min, max, `must be a whole number${range}`).refine(
    Number.isInteger,
    `must be a whole number${range}`,
  );
}

/** Returns the schema of a number from `min` to `max`, both included. `problem` is the sentence for all others. */
export function numberWithin(
  min: number,
  max = Number.MAX_SAFE_INTEGER,
  problem = `must be a number from ${min} to ${max}`,
) {
  return z.coerce.number(problem).refine((value) => value >= min && value <= max, { error: problem, abort: true });
}

/**
 * Returns the schema of a list, separated by commas or spaces. The error quotes the first entry that `isValid` rejects and
 * says what it should be, `expected`.
 */
export function listOf(isValid: (entry: string) => boolean, expected: string) {
  return z
    .string()
    .default("")
    .transform((text) => text.split(/[\s,]+/).filter((entry) => entry !== ""))
    .superRefine((entries, context) => {
      const invalid = entries.find((entry) => !isValid(entry));
      if (invalid !== undefined) context.addIssue(`${JSON.stringify(invalid)} is not ${expected}`);
    });
}
