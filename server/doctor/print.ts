import type { Diagnosis } from "../../client/doctor/diagnose.ts";
import type { Findings } from "../../client/doctor/findings.ts";
import { outcomesOf, type StepOutcome } from "../../client/doctor/outcome.ts";
import { DOCTOR_STEPS } from "../../protocol/doctor.ts";
import { fill, type Language, wordsOf } from "../pages/language.ts";
import { remediesFor } from "./remedies.ts";

/**
 * How the advice is printed. If the site is not at its address, `place` has the one at which it was
 * found, if any.
 */
export type AdviceOptions = { language: Language; place: { address: string | undefined } | undefined };

/**
 * Returns what the page shows, as lines of text: the sentence, the outcome of each test, and the
 * remedies.
 */
export function printAdvice(findings: Findings, diagnosis: Diagnosis, { language, place }: AdviceOptions): string {
  const words = wordsOf(language).doctor;
  const lines = [fill(words.sentences[diagnosis.sentence], { seconds: diagnosis.lateSeconds }), ""];
  // The type makes a fault without a text a compile error.
  const texts: { [code in StepOutcome["code"]]: string } = { ...words.outcomes, ...words.faults };
  for (const step of DOCTOR_STEPS) {
    for (const { code, figure } of outcomesOf(step, findings, diagnosis))
      if (code !== "untried")
        lines.push(`  ${code in words.faults ? "✗" : "·"} ${words.steps[step]}: ${fill(texts[code], { figure })}`);
  }
  const { reachError } = findings;
  if (reachError !== undefined) {
    const [, cause] = CAUSES.find(([codes]) => codes.test(reachError)) ?? [];
    lines.push(`    ${cause === undefined ? reachError : `${words.unreached[cause]} (${reachError})`}`);
  }
  if (place?.address !== undefined) lines.push(`    ${fill(words.unreached.site, { address: place.address })}`);
  else if (place !== undefined && diagnosis.sentence !== "name") lines.push(`    ${words.unreached.nowhere}`);
  const remedies = remediesFor(diagnosis.faults.map(({ code }) => code));
  if (remedies.length > 0) lines.push("", `${words.operator}: ${words.operatorHint}`);
  const names: { [name: string]: string } = words.remedies;
  for (const remedy of remedies) {
    lines.push("", `${names[remedy.name]}`);
    for (const program of remedy.programs)
      lines.push(`  ${program.name}`, ...program.lines.split("\n").map((line) => `    ${line}`));
  }
  return `${lines.join("\n")}\n`;
}

/** [node errors] The codes of requests that reach no site, and their cause. */
const CAUSES = [
  [/^(ENOTFOUND|EAI_)/, "name"],
  [/^ECONNREFUSED$/, "port"],
  [/^(EPROTO$|ERR_SSL_)/, "tls"],
  [/CERT/, "certificate"],
] as const;
