/** A word or a pattern that the style in CONTRIBUTING.md rules out. */
export type StyleRule = {
  /** Matches in a passage whose line breaks and comment marks count as white space. */
  readonly pattern: RegExp;
  /** The number of the rule in the section "Style" of CONTRIBUTING.md. */
  readonly rule: number;
  /** Advice: the words to write instead. */
  readonly instead: string;
};

export const STYLE_RULES: readonly StyleRule[] = [
  { pattern: /\banew\b/gi, rule: 6, instead: `write "again"` },
  { pattern: /\bbeside\b/gi, rule: 6, instead: `write "alongside", "next to" or "as well as"` },
  { pattern: /\bbut\s+for\b/gi, rule: 6, instead: `write "except"` },
  {
    pattern: /\b(?:tells|told)\b/gi,
    rule: 2,
    instead: `name what it does: "returns", "publishes", "notifies", "logs", "reports"`,
  },
  { pattern: /\bsees\s+to\s+it\b/gi, rule: 2, instead: `name what it does: "ensures", "schedules", "keeps"` },
  { pattern: /\b(?:whoever|whomever)\b/gi, rule: 3, instead: `name the subject: "a reader that …", "anyone who …"` },
  { pattern: /\b(?:he|his|him)\b/gi, rule: 4, instead: `write "it" for a program, "they" for a person` },
  { pattern: /\bremarks?\b/gi, rule: 5, instead: `write "message"` },
];

/** A sentence whose subject is a free "who" or "what". A question is none. */
export const FREE_RELATIVE =
  /(?<=^\s*|[.!?:]["')\]]?\s+|\]\s+|\|\s*)(?:Who|Whom|What)\s(?:[^.!?|]|[.!?](?!\s|$))*(?<end>[.!?|]|$)/g;
