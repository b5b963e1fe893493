import type { DOCTOR_STREAMS } from "../../protocol/doctor.ts";
import { PATHS } from "../../protocol/paths.ts";
import { createNonce } from "../core/base/environment.ts";
import type { StreamFinding, StreamOutcome } from "./findings.ts";
import type { Question, Reply } from "./hands.ts";
import { isBusy, type Trial } from "./site.ts";

/** A stream to ask for: so many frames, so far from each other, then so long a silence, then the end. */
export type Stream = {
  kind: keyof typeof DOCTOR_STREAMS;
  method: "GET" | "POST";
  frames: number;
  gapMs: number;
  quietMs: number;
};

/** What came of it: when which frame arrived, counted from the request, and when it was over. */
export type StreamRun = { reply: Reply; isOurs: boolean; isWhole: boolean; arrivedMs: number[]; overMs: number };

/** So much longer than it lasts a stream is waited for: whoever holds it back may take his time. */
const PATIENCE_MS = 8_000;

/** Reads a stream of the server's to its end and notes when its frames come. */
export function runStream(trial: Trial, stream: Stream, done: (run: StreamRun) => void): void {
  const { hands, site } = trial;
  const { now } = hands.outside;
  const { kind, method, frames, gapMs, quietMs } = stream;
  const nonce = createNonce(hands.outside);
  const asked = now();
  const arrivedMs: number[] = [];
  const onText = (text: string) => {
    const count = text.split('"frame":').length - 1;
    while (arrivedMs.length < count) arrivedMs.push(now() - asked);
  };
  const params = { as: kind, frames: String(frames), gap: String(gapMs), quiet: String(quietMs), n: nonce };
  const question: Question = {
    method,
    url: site.url(PATHS.doctorStream, params),
    headers: kind === "event-stream" ? { Accept: "text/event-stream" } : {},
    timeoutMs: (frames - 1) * gapMs + quietMs + PATIENCE_MS,
    onText,
  };
  const ask = kind === "html" && hands.askFrame !== undefined ? hands.askFrame : hands.ask;
  ask(question, (reply) => {
    if (isBusy(reply)) return trial.busy(reply.retrySeconds);
    onText(reply.text);
    const isOurs = reply.text.indexOf(`"n":"${nonce}"`) >= 0;
    const isWhole = isOurs && reply.text.indexOf('"end":true') >= 0;
    done({ reply, isOurs, isWhole, arrivedMs, overMs: now() - asked });
  });
}

/**
 * The two-frame test: the last frame but the end's is due long before the end. Whether it came with the end is seen
 * without a clock of the server's: held where the first did, late where only the last did.
 */
export function judgeStream(run: StreamRun, stream: Stream, seesStreams: boolean): StreamFinding {
  const { reply, arrivedMs } = run;
  return {
    outcome: outcomeOf(run, stream, seesStreams),
    status: reply.status,
    firstMs: arrivedMs.length > 0 ? (arrivedMs[0] as number) : 0,
    encoding: reply.encoding,
  };
}

function outcomeOf(run: StreamRun, stream: Stream, seesStreams: boolean): StreamOutcome {
  const { reply, arrivedMs, overMs } = run;
  if (!run.isOurs) {
    if (reply.status === 0) return "silent";
    if (reply.status !== 200) return "refused";
    return reply.text === "" ? "silent" : "foreign";
  }
  // a browser's own EventSource takes no other type
  if (stream.kind === "event-stream" && reply.type.indexOf("text/event-stream") < 0) return "refused";
  if (!run.isWhole) return "cut";
  if (!seesStreams) return "unseen";
  const withEndMs = overMs - stream.quietMs / 2;
  if ((arrivedMs[0] as number) > withEndMs) return "held";
  return (arrivedMs[stream.frames - 1] as number) > withEndMs ? "late" : "fine";
}
