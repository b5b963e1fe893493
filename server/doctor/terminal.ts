import { diagnose } from "../../client/doctor/diagnose.ts";
import type { DoctorEnvironment } from "../../client/doctor/environment.ts";
import { examine } from "../../client/doctor/examine.ts";
import type { Findings } from "../../client/doctor/findings.ts";
import { createReport } from "../../client/doctor/report.ts";
import { type Language, wordsOf } from "../pages/language.ts";
import { createTerminalClient } from "./ask.ts";
import { findSite } from "./find-site.ts";
import { printAdvice } from "./print.ts";

/** The doctor's task, and where it writes. */
export type DoctorOptions = {
  isQuick: boolean;
  isJson: boolean;
  language: Language;
  out(text: string): void;
  /** Receives the name of the running step, and "" at the end. For interactive terminals. */
  progress?: ((line: string) => void) | undefined;
};

/**
 * Examines the path to the site at `url` and prints what it finds. Resolves with the exit code: 0
 * fine, 1 impaired, 2 unreachable.
 */
export async function runDoctor(url: string, options: DoctorOptions): Promise<0 | 1 | 2> {
  const words = wordsOf(options.language).doctor;
  const base = baseOf(url);
  if (base === undefined) {
    options.out(`${words.badUrl}\n`);
    return 2;
  }
  const findings = await examineSite(base, options);
  const diagnosis = diagnose(findings);
  options.progress?.("");
  if (options.isJson) {
    const report = createReport({ by: "terminal", quick: options.isQuick, diagnosis, findings });
    options.out(`${JSON.stringify(report, null, 2)}\n`);
  } else {
    const isElsewhere = diagnosis.grade === 2 && diagnosis.sentence !== "silent";
    const place = isElsewhere ? { address: await findSite(base) } : undefined;
    options.out(printAdvice(findings, diagnosis, { language: options.language, place }));
  }
  return diagnosis.grade;
}

/** Returns `undefined` for anything but an address of a site. */
function baseOf(url: string): URL | undefined {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `http://${url}`;
  if (!URL.canParse(withScheme)) return undefined;
  const base = new URL(withScheme);
  if (base.protocol !== "http:" && base.protocol !== "https:") return undefined;
  return base;
}

async function examineSite(base: URL, options: DoctorOptions): Promise<Findings> {
  const client = createTerminalClient(base);
  const words = wordsOf(options.language).doctor;
  const environment: DoctorEnvironment = {
    base: base.origin + base.pathname.replace(/\/(doctor\/?)?$/, ""),
    host: base.host,
    isTls: base.protocol === "https:",
    clock: { now: () => Math.round(performance.now()), random: Math.random, later },
    parse: JSON.parse,
    request: client.request,
    seesStreams: true,
    http: client.http,
    lanes: 5,
  };
  try {
    return await new Promise<Findings>((resolve) => {
      examine(environment, options.isQuick, {
        onStep: (step, isDone) => {
          if (!isDone) options.progress?.(words.steps[step]);
        },
        onShort: () => undefined,
        onDone: resolve,
      });
    });
  } finally {
    client.close();
  }
}

function later(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
