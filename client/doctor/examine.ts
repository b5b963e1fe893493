import type { DoctorStep } from "../../protocol/doctor.ts";
import type { DoctorEnvironment } from "./environment.ts";
import type { Findings } from "./findings.ts";
import { LASTING_STEPS } from "./lasting.ts";
import { REACH, REQUEST_STEPS } from "./requests.ts";
import { type DoctorSite, openSite } from "./site.ts";
import type { ExamStep } from "./step.ts";
import { IFRAME_STEP, STREAM_STEPS } from "./streams.ts";

/** Receives the progress of an examination. */
export type Watcher = {
  /** Called when a step begins, and again when it is done and has written into `findings`. */
  onStep(step: DoctorStep, isDone: boolean, findings: Findings): void;
  /**
   * Called when all short steps are done. The others take 70 s, and a visitor need not wait for
   * them.
   */
  onShort(findings: Findings): void;
  onDone(findings: Findings): void;
};

type Examination = { environment: DoctorEnvironment; site: DoctorSite; findings: Findings; watcher: Watcher };

/**
 * Examines the path to the site step by step; unless `isQuick`, the lasting steps then run at the
 * same time. If nobody answers the first step, or another program than chattera does, it is the
 * last.
 */
export function examine(environment: DoctorEnvironment, isQuick: boolean, watcher: Watcher): void {
  const findings: Findings = {};
  const examination: Examination = { environment, site: openSite(environment), findings, watcher };
  const streams = environment.requestByIframe === undefined ? STREAM_STEPS : STREAM_STEPS.concat([IFRAME_STEP]);
  runSteps(examination, { steps: [REACH], lanes: 1 }, () => {
    if (findings.reach !== "ok") watcher.onDone(findings);
    else runSteps(examination, { steps: REQUEST_STEPS.concat(streams), lanes: 1 }, runLasting);
  });

  function runLasting(): void {
    watcher.onShort(findings);
    const lasting = { steps: LASTING_STEPS, lanes: environment.lanes };
    if (isQuick) watcher.onDone(findings);
    else runSteps(examination, lasting, () => watcher.onDone(findings));
  }
}

type Batch = { steps: ExamStep[]; lanes: number };

/** The delay after a refusal without Retry-After. */
const RETRY_SECONDS = 5;

/**
 * Runs steps, `lanes` of them at a time, and calls `done` after the last. A step that finds the
 * site busy runs once more, as a whole, after the time that the site asks for. If the site is busy
 * again, the step counts as untested, and no later step waits for the site.
 */
function runSteps(examination: Examination, { steps, lanes }: Batch, done: () => void): void {
  const { environment, site, findings, watcher } = examination;
  let begun = 0;
  let ended = 0;
  for (let i = 0; i < lanes; i++) next();

  function next(): void {
    const step = steps[begun];
    if (step === undefined) return;
    begun += 1;
    watcher.onStep(step.name, false, findings);
    run(step, true);
  }

  function run(step: ExamStep, mayWait: boolean): void {
    let isOver = false;
    const busy = (retrySeconds: number) => {
      if (isOver) return;
      isOver = true;
      if (mayWait && findings.untested === undefined)
        environment.clock.later((retrySeconds || RETRY_SECONDS) * 1000, () => run(step, false));
      else {
        findings.untested = findings.untested ?? {};
        findings.untested[step.name] = true;
        end(step);
      }
    };
    step.run({ environment, site, findings, busy }, () => end(step));
  }

  function end(step: ExamStep): void {
    findings.stumbles = site.stumbles;
    ended += 1;
    watcher.onStep(step.name, true, findings);
    if (ended === steps.length) done();
    else next();
  }
}
