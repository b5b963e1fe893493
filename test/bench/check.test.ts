import { describe, expect, test } from "@jest/globals";
import { Check, type DeliveryFindings, RoomLog, textOf } from "../../bench/check.ts";
import { Histogram } from "../../bench/histogram.ts";

/**
 * Returns what the bench finds when each reader receives these messages in pieces of a given size.
 */
function findingsOf(readers: number[][], pieceBytes = 1000): DeliveryFindings & { missing: number } {
  const findings: DeliveryFindings = {
    deliveries: 0,
    doubled: 0,
    reordered: 0,
    times: new Histogram(),
    dueAt: new Float64Array(100),
    failed: 0,
  };
  const log = new RoomLog();
  const checks = readers.map(() => new Check(log, findings));
  readers.forEach((numbers, index) => {
    const text = numbers.map((n) => `data: {"seq":${n},"text":"${textOf(n, 40)}"}\n\n`).join(": a ping\n");
    const bytes = Buffer.from(text);
    for (let from = 0; from < bytes.length; from += pieceBytes)
      checks[index]?.take(bytes.subarray(from, from + pieceBytes), 5);
  });
  return { ...findings, missing: checks.reduce((sum, check) => sum + check.missing(), 0) };
}

describe("the bench's check of deliveries", () => {
  test("counts each once and finds no fault if all arrive in one order, however they are split", () => {
    for (const pieceBytes of [1, 7, 13, 64, 1000])
      expect(
        findingsOf(
          [
            [0, 1, 2, 3],
            [0, 1, 2, 3],
          ],
          pieceBytes,
        ),
      ).toMatchObject({
        deliveries: 8,
        doubled: 0,
        reordered: 0,
        missing: 0,
      });
  });

  test("finds a message that was lost in the middle", () => {
    expect(
      findingsOf([
        [0, 1, 2, 3],
        [0, 1, 3],
      ]),
    ).toMatchObject({ deliveries: 7, missing: 1, reordered: 0 });
  });

  test("finds a message that was lost at the end", () => {
    expect(
      findingsOf([
        [0, 1, 2, 3],
        [0, 1, 2],
      ]),
    ).toMatchObject({ deliveries: 7, missing: 1 });
  });

  test("finds a message that arrived twice, and counts it once", () => {
    expect(
      findingsOf([
        [0, 1, 2],
        [0, 1, 1, 2],
      ]),
    ).toMatchObject({ deliveries: 6, doubled: 1, missing: 0 });
  });

  test("finds a message that arrived out of order", () => {
    expect(
      findingsOf([
        [0, 1, 2, 3],
        [0, 2, 1, 3],
      ]),
    ).toMatchObject({ deliveries: 8, reordered: 1, missing: 0 });
  });
});
