import type { DOCTOR_STREAMS } from "../../protocol/doctor.ts";
import { PATHS } from "../../protocol/paths.ts";
import { createNonce } from "../core/base/environment.ts";
import type { DoctorReply, DoctorRequest } from "./environment.ts";
import type { StreamFinding, StreamOutcome } from "./findings.ts";
import { isBusy, type Trial } from "./site.ts";

/**
 * A stream to ask for: `frames` frames, `gapMs` apart, then silence for `quietMs`, then the end.
 */
export type StreamShape = {
  kind: keyof typeof DOCTOR_STREAMS;
  method: "GET" | "POST";
  frames: number;
  gapMs: number;
  quietMs: number;
};

/** How a stream arrived: when each frame came and when it was over, counted from the request. */
export type StreamRun = { reply: DoctorReply; isOurs: boolean; isWhole: boolean; arrivedMs: number[]; overMs: number };

/** How long to wait after the stream should have ended, for proxies that release it late. */
const PATIENCE_MS = 8_000;

/** Reads a stream to its end and notes when its frames arrive. */
export function runStream(trial: Trial, shape: StreamShape, done: (run: StreamRun) => void): void {
  const { environment, site } = trial;
  const { now } = environment.clock;
  const { kind, method, frames, gapMs, quietMs } = shape;
  const nonce = createNonce(environment.clock);
  const startMs = now();
  const arrivedMs: number[] = [];
  const onText = (text: string) => {
    const count = text.split('"frame":').length - 1;
    while (arrivedMs.length < count) arrivedMs.push(now() - startMs);
  };
  const params = { as: kind, frames: String(frames), gap: String(gapMs), quiet: String(quietMs), n: nonce };
  const request: DoctorRequest = {
    method,
    url: site.url(PATHS.doctorStream, params),
    headers: kind === "event-stream" ? { Accept: "text/event-stream" } : {},
    timeoutMs: (frames - 1) * gapMs + quietMs + PATIENCE_MS,
    onText,
  };
  const byIframe = kind === "html" ? environment.requestByIframe : undefined;
  const makeRequest = byIframe ?? environment.request;
  makeRequest(request, (reply) => {
    if (isBusy(reply)) return trial.busy(reply.retrySeconds);
    onText(reply.text);
    const isOurs = reply.text.indexOf(`"n":"${nonce}"`) >= 0;
    const isWhole = isOurs && reply.text.indexOf('"end":true') >= 0;
    done({ reply, isOurs, isWhole, arrivedMs, overMs: now() - startMs });
  });
}

/**
 * Judges how a stream came through. Its last frame before the end is due long before the end, so no
 * server clock is needed: if the first frame came only with the end, the stream was held; if only
 * the last one did, it was late.
 */
export function judgeStream(run: StreamRun, shape: StreamShape, seesStreams: boolean): StreamFinding {
  const { reply, arrivedMs } = run;
  return {
    outcome: outcomeOf(run, shape, seesStreams),
    status: reply.status,
    firstMs: arrivedMs.length > 0 ? (arrivedMs[0] as number) : 0,
    encoding: reply.encoding,
  };
}

function outcomeOf(run: StreamRun, shape: StreamShape, seesStreams: boolean): StreamOutcome {
  const { reply, arrivedMs, overMs } = run;
  if (!run.isOurs) {
    if (reply.status === 0) return "silent";
    if (reply.status !== 200) return "refused";
    return reply.text === "" ? "silent" : "foreign";
  }
  // A browser's EventSource accepts no other type.
  if (shape.kind === "event-stream" && reply.type.indexOf("text/event-stream") < 0) return "refused";
  if (!run.isWhole) return "cut";
  if (!seesStreams) return "unseen";
  const withEndMs = overMs - shape.quietMs / 2;
  if ((arrivedMs[0] as number) > withEndMs) return "held";
  return (arrivedMs[shape.frames - 1] as number) > withEndMs ? "late" : "fine";
}
