import { diagnose } from "../../client/doctor/diagnose.ts";
import { examine } from "../../client/doctor/examine.ts";
import type { Findings } from "../../client/doctor/findings.ts";
import type { Hands } from "../../client/doctor/hands.ts";
import { reportOf } from "../../client/doctor/report.ts";
import { type Language, wordsOf } from "../pages/language.ts";
import { createAsker } from "./ask.ts";
import { printAdvice } from "./print.ts";

/** Where the doctor writes, and what was asked of it. */
export type DoctorOptions = {
  isQuick: boolean;
  isJson: boolean;
  language: Language;
  out(text: string): void;
  /** Told which step is under way, where somebody looks on. */
  progress?: ((line: string) => void) | undefined;
};

/** Examines the path to the site at `url` and says what it found. Gives the exit code: 0 fine, 1 impaired, 2 unreachable. */
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
  if (options.isJson)
    options.out(`${JSON.stringify(reportOf("terminal", options.isQuick, findings, diagnosis), null, 2)}\n`);
  else options.out(printAdvice(findings, diagnosis, options.language));
  return diagnosis.grade;
}

/** Without user, query and fragment; `undefined` for what is no address of a site. */
function baseOf(url: string): URL | undefined {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `http://${url}`;
  if (!URL.canParse(withScheme)) return undefined;
  const base = new URL(withScheme);
  if (base.protocol !== "http:" && base.protocol !== "https:") return undefined;
  return base;
}

async function examineSite(base: URL, options: DoctorOptions): Promise<Findings> {
  const asker = createAsker(base);
  const words = wordsOf(options.language).doctor;
  const hands: Hands = {
    base: base.origin + base.pathname.replace(/\/(doctor\/?)?$/, ""),
    host: base.host,
    isTls: base.protocol === "https:",
    outside: { now: () => Math.round(performance.now()), random: Math.random, later },
    parse: JSON.parse,
    ask: asker.ask,
    seesStreams: true,
    http: asker.http,
    lanes: 5,
  };
  try {
    return await new Promise<Findings>((resolve) => {
      examine(hands, options.isQuick, {
        onStep: (step, isDone) => {
          if (!isDone) options.progress?.(words.steps[step]);
        },
        onShort: () => undefined,
        onDone: resolve,
      });
    });
  } finally {
    asker.close();
  }
}

function later(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
