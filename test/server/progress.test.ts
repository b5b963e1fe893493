import { PassThrough } from "node:stream";
import type { WriteStream } from "node:tty";
import { expect, test } from "@jest/globals";
import { progressLine, startProgress } from "../../server/process/progress.ts";

const state = { label: "Export", unit: "events", seconds: 10 };

test("a bar shows what is done, of how much, and the time that is left", () => {
  expect(progressLine({ ...state, done: 1_250_000, total: 5_000_000 })).toBe(
    "Export [######------------------] 25% 1,250,000 of 5,000,000 events, 30 s left",
  );
  expect(progressLine({ ...state, done: 1, total: 100_000 })).toMatch(/ 0% 1 of 100,000 events, 277[.]8 h left$/);
  expect(progressLine({ ...state, done: 0, total: 10 })).toBe("Export [------------------------] 0% 0 of 10 events");
});

test("a bar does not pass its end if there was more than expected, and nothing is all of nothing", () => {
  expect(progressLine({ ...state, done: 12, total: 10 })).toBe(
    "Export [########################] 100% 12 of 12 events",
  );
  expect(progressLine({ ...state, done: 0, total: 0 })).toBe("Export [########################] 100% 0 of 0 events");
});

test("a terminal gets one line that fits, which is removed at the end, and anything else gets nothing", () => {
  for (const isTTY of [true, false]) {
    const out = Object.assign(new PassThrough(), { isTTY, columns: 40 });
    const progress = startProgress({ label: "Export", unit: "events", total: 100, out: out as unknown as WriteStream });
    progress.add(50);
    progress.end();
    const written = String(out.read() ?? "");
    expect(written).toBe(isTTY ? "\r\x1b[KExport [############------------] 50% 5\r\x1b[K" : "");
  }
});
