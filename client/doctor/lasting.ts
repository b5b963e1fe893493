import type { LastingFinding } from "./findings.ts";
import { askEcho, repeatable } from "./site.ts";
import type { Exam, ExamStep } from "./step.ts";
import { runStream, type StreamShape } from "./stream-test.ts";

/** A failure within the first second was not a cut for lasting too long, so it is tried again. */
const AT_ONCE_MS = 1_000;
const TRIES = 3;

const HOLD_MS = 25_000;

/** An answer that is held, like a poll's. */
const HOLD: ExamStep = {
  name: "hold25",
  run: (exam, done) => {
    const about = { params: { hold: String(HOLD_MS) }, timeoutMs: HOLD_MS + 10_000, tries: 1 };
    const attempt = (ended: Ended) => askEcho(exam, about, ({ outcome, tookMs }) => ended(outcome === "ok", tookMs));
    tryLasting(exam, attempt, (isWhole, ms) => {
      exam.findings.hold25 = lastingFinding(isWhole, ms, HOLD_MS);
      done();
    });
  },
};

type LastingStep = "idle20" | "idle45" | "idle70" | "lifetime70";

/** A stream that lasts: silent for long, or never silent. */
function lastingStep(name: LastingStep, lasts: Pick<StreamShape, "frames" | "gapMs" | "quietMs">): ExamStep {
  const { frames, gapMs, quietMs } = lasts;
  return {
    name,
    run: (exam, done) => {
      const outcome = exam.findings.octetStream?.outcome;
      const kind = outcome === "refused" || outcome === "foreign" ? "event-stream" : "octet-stream";
      const shape: StreamShape = { kind, method: "GET", frames, gapMs, quietMs };
      const attempt = (ended: Ended) => runStream(exam, shape, ({ isWhole, overMs }) => ended(isWhole, overMs));
      tryLasting(exam, attempt, (isWhole, ms) => {
        exam.findings[name] = lastingFinding(isWhole, ms, (frames - 1) * gapMs + quietMs);
        done();
      });
    },
  };
}

type Ended = (isWhole: boolean, tookMs: number) => void;

function tryLasting({ site }: Exam, attempt: (ended: Ended) => void, done: Ended): void {
  repeatable(site, TRIES, (repeat) =>
    attempt((isWhole, tookMs) => {
      if (!isWhole && tookMs < AT_ONCE_MS && repeat !== undefined) repeat();
      else done(isWhole, tookMs);
    }),
  );
}

/** When a connection died in silence is not known; it was dead when its end was due. */
function lastingFinding(isWhole: boolean, overMs: number, dueMs: number): LastingFinding {
  if (isWhole) return { outcome: "fine", ms: overMs };
  return overMs > dueMs ? { outcome: "silent", ms: dueMs } : { outcome: "cut", ms: overMs };
}

/** The steps that take up to 70 s. */
export const LASTING_STEPS: ExamStep[] = [
  HOLD,
  lastingStep("idle20", { frames: 1, gapMs: 0, quietMs: 20_000 }),
  lastingStep("idle45", { frames: 1, gapMs: 0, quietMs: 45_000 }),
  lastingStep("idle70", { frames: 1, gapMs: 0, quietMs: 70_000 }),
  lastingStep("lifetime70", { frames: 29, gapMs: 2_500, quietMs: 0 }),
];
