import type { StreamFinding } from "./findings.ts";
import { isMomentary, repeatable } from "./site.ts";
import type { ExamStep } from "./step.ts";
import { judgeStream, runStream, type StreamShape } from "./stream-test.ts";

type StreamStep = "eventStream" | "octetStream" | "postStream" | "frame";

/** A failure that may be a passing one is tried once more. */
const TRIES = 2;

/**
 * Frames half a second apart, then silence for three times that, so that late and held frames
 * differ.
 */
function streamStep(name: StreamStep, kind: StreamShape["kind"], method: StreamShape["method"]): ExamStep {
  const shape: StreamShape = { kind, method, frames: 3, gapMs: 500, quietMs: 1_500 };
  return {
    name,
    run: (exam, done) => {
      const { environment, site, findings } = exam;
      // An iframe shows a document while it loads, in every browser.
      const seesStreams = environment.seesStreams || name === "frame";
      repeatable(site, TRIES, (repeat) =>
        runStream(exam, shape, (run) => {
          const finding = judgeStream(run, shape, seesStreams);
          if (repeat !== undefined && isPassingFailure(finding)) return repeat();
          findings[name] = finding;
          done();
        }),
      );
    },
  };
}

function isPassingFailure({ outcome, status }: StreamFinding): boolean {
  return outcome === "cut" || outcome === "silent" || (outcome === "refused" && isMomentary(status));
}

/** The streams that a script reads, in their order. */
export const STREAM_STEPS: ExamStep[] = [
  streamStep("eventStream", "event-stream", "GET"),
  streamStep("octetStream", "octet-stream", "GET"),
  streamStep("postStream", "octet-stream", "POST"),
];

/** The stream that an iframe shows. */
export const IFRAME_STEP: ExamStep = streamStep("frame", "html", "GET");
