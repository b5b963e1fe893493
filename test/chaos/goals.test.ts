import { expect, test } from "@jest/globals";
import type { ReceivedFrame } from "./check.ts";
import { judgeGoals, type Strike } from "./goals.ts";

const FAULT = { name: "F1", goal: "messages within 2 s", recoverMs: 2_000 };

/** A reader that gets an event at each of these times. */
function readerAt(...times: number[]) {
  const received = times.map((at, n): ReceivedFrame => ({ kind: "event", seq: n + 1, id: "", text: "", at }));
  return { record: { name: "one", room: "lobby", start: 0, received, isLive: true } };
}

function judge(strike: Partial<Strike>, ...times: number[]) {
  const strikes = [{ name: "F1", from: 10_000, to: 11_000, missed: [], ...strike }];
  return judgeGoals([FAULT], strikes, { sent: [{ ackedAt: 10_500 }], readers: [readerAt(0, ...times)] }).goals.F1;
}

test.each<[string, { strike?: Partial<Strike>; times: number[]; met: number }]>([
  ["met if every reader has messages in time", { times: [9_900, 12_800], met: 1 }],
  ["missed if one has none for longer than the fault and its time", { times: [9_900, 13_000], met: 0 }],
  ["met whatever was silent before and long after", { times: [9_900, 12_800, 20_000], met: 1 }],
  ["missed if the fault says so", { strike: { missed: ["ended with 1"] }, times: [9_900, 12_800], met: 0 }],
])("a goal is %s", (_, { strike = {}, times, met }) => {
  expect(judge(strike, ...times)).toMatchObject({ times: 1, met, acknowledged: 1, deliveries: 0 });
});

test("a fault that was not struck has its goal and no result", () => {
  expect(judgeGoals([FAULT], [], { sent: [], readers: [] }).goals).toEqual({
    F1: {
      goal: "messages within 2 s",
      times: 0,
      met: 0,
      longestSilenceMs: 0,
      acknowledged: 0,
      deliveries: 0,
      missed: [],
    },
  });
});
