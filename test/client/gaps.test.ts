import { describe, expect, test } from "@jest/globals";
import { gapChange } from "../../client/gaps.ts";

type Row = { seq: number; isGap?: boolean };

type Change = { page: [number, number]; opensAfter?: number; closed?: number[] };

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => ({ seq: first + n }));
const gap = (after: number): Row => ({ seq: after + 0.5, isGap: true });
const pageOf = (first: number, last: number) => ({ events: range(first, last) as never[], oldest: 1 });

describe("a page of history that is added to the log", () => {
  const cases: [name: string, rows: Row[], change: Change][] = [
    ["opens a gap if it is apart", range(100, 150), { page: [20, 40], opensAfter: 40 }],
    ["opens none next to the rest", range(100, 150), { page: [60, 99] }],
    ["opens none where it overlaps", range(100, 150), { page: [60, 120] }],
    ["opens none within the rest", range(100, 150), { page: [110, 120] }],
    ["opens none at the end", range(100, 150), { page: [140, 160] }],
    ["opens none in an empty log", [], { page: [140, 160] }],
    [
      "moves a gap on",
      [...range(20, 40), gap(40), ...range(100, 150)],
      { page: [30, 60], opensAfter: 60, closed: [40.5] },
    ],
    ["closes a gap", [...range(20, 40), gap(40), ...range(100, 150)], { page: [30, 99], closed: [40.5] }],
    ["leaves a gap above it", [...range(20, 40), gap(40), ...range(100, 150)], { page: [60, 70], opensAfter: 70 }],
    ["leaves a gap below it", [...range(20, 40), gap(40), ...range(100, 150)], { page: [1, 5], opensAfter: 5 }],
    [
      "leaves the gap after the part that it lies in",
      [...range(20, 40), gap(40), ...range(100, 150)],
      { page: [25, 30] },
    ],
    [
      "closes a gap right above it",
      [...range(20, 40), gap(40), ...range(100, 150)],
      { page: [41, 60], opensAfter: 60, closed: [40.5] },
    ],
  ];
  test.each(cases)("%s", (_name, rows, { page, opensAfter, closed = [] }) => {
    const change = gapChange(rows, pageOf(...page));
    expect(change.opensAfter).toBe(opensAfter);
    expect(change.closed.map(({ seq }) => seq)).toEqual(closed);
  });
});
