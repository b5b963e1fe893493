import type { WriteStream } from "node:tty";
import { grouped } from "../../protocol/line.ts";

/** A progress bar. On anything else than a terminal it writes nothing. */
export type Progress = {
  /** Adds to what is done. */
  add(count: number): void;
  /** Removes the bar. */
  end(): void;
};

/** The thing that a bar counts, and how many there are. */
export type ProgressOptions = { label: string; unit: string; total: number; out?: WriteStream };

/** More often, nobody could read the numbers. */
const REDRAW_MS = 100;

const CELLS = 24;

/** Starts a progress bar on standard error. */
export function startProgress({ label, unit, total, out = process.stderr }: ProgressOptions): Progress {
  const startedAt = performance.now();
  let done = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;

  return { add, end };

  function add(count: number): void {
    done += count;
    const now = performance.now();
    if (!out.isTTY || now - drawnAt < REDRAW_MS) return;
    drawnAt = now;
    const line = progressLine({ label, unit, done, total, seconds: (now - startedAt) / 1000 });
    out.write(`\r\x1b[K${line.slice(0, Math.max(20, (out.columns ?? 80) - 1))}`);
  }

  function end(): void {
    if (out.isTTY) out.write("\r\x1b[K");
  }
}

/** Returns the line of a progress bar. */
export function progressLine(state: {
  label: string;
  unit: string;
  done: number;
  total: number;
  seconds: number;
}): string {
  const { label, unit, done, total, seconds } = state;
  // The total may be an estimate, and a bar beyond its end helps nobody.
  const part = total > 0 ? Math.min(1, done / total) : 1;
  const filled = Math.floor(part * CELLS);
  const bar = "#".repeat(filled) + "-".repeat(CELLS - filled);
  const left = part > 0 && part < 1 ? `, ${durationOf((seconds / part) * (1 - part))} left` : "";
  return `${label} [${bar}] ${Math.floor(part * 100)}% ${grouped(done)} of ${grouped(Math.max(total, done))} ${unit}${left}`;
}

function durationOf(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3_600) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}
