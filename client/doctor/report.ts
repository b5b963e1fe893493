import type { Diagnosis } from "./diagnose.ts";
import type { Findings } from "./findings.ts";

/** Grows when a reader of reports could misread a new one. */
const REPORT_VERSION = 1;

/** All of it, for whoever is to help. There is no address, cookie or name of anybody in it. */
export type Report = {
  doctor: typeof REPORT_VERSION;
  by: "page" | "terminal";
  quick: boolean;
  diagnosis: Diagnosis;
  findings: Findings;
};

/** Puts a report together. */
export function reportOf(by: Report["by"], quick: boolean, findings: Findings, diagnosis: Diagnosis): Report {
  return { doctor: REPORT_VERSION, by, quick, diagnosis, findings };
}
