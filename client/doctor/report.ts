import type { Diagnosis } from "./diagnose.ts";
import type { Findings } from "./findings.ts";

/** Grows when a program that reads reports could misread a new one. */
const REPORT_VERSION = 1;

/** The complete report, for the people who help. It holds nobody's address, cookie or name. */
export type Report = {
  doctor: typeof REPORT_VERSION;
  by: "page" | "terminal";
  quick: boolean;
  diagnosis: Diagnosis;
  findings: Findings;
};

/** Returns a report of the present version. */
export function createReport({ by, quick, diagnosis, findings }: Omit<Report, "doctor">): Report {
  return { doctor: REPORT_VERSION, by, quick, diagnosis, findings };
}
