import { expect, test } from "@jest/globals";
import { createTurns } from "../../server/delivery/turns.ts";

/** Tasks that end on request, in the order in which they were started. */
function openTasks(limit: number) {
  const turns = createTurns(limit);
  const started: string[] = [];
  const endings: (() => void)[] = [];
  return {
    started,
    add: (network: string, name: string) =>
      turns(network, () => {
        started.push(name);
        return new Promise<string>((resolve) => endings.push(() => resolve(name)));
      }),
    async endOne() {
      endings.shift()?.();
      await new Promise(setImmediate);
    },
  };
}

test("a network with many tasks delays another's by one", async () => {
  const tasks = openTasks(2);
  for (let n = 1; n <= 20; n += 1) void tasks.add("greedy", `greedy ${n}`);
  void tasks.add("office", "office 1");
  void tasks.add("office", "office 2");
  void tasks.add("home", "home");
  for (let n = 0; n < 6; n += 1) await tasks.endOne();
  expect(tasks.started).toEqual([
    "greedy 1",
    "greedy 2",
    "greedy 3",
    "office 1",
    "home",
    "greedy 4",
    "office 2",
    "greedy 5",
  ]);
});

test("no more run at a time than the limit, and a task that fails makes way for the next", async () => {
  const turns = createTurns(2);
  let running = 0;
  let most = 0;
  const task = async (n: number) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    if (n % 3 === 0) throw new Error(`task ${n}`);
    return n;
  };
  const done = await Promise.allSettled(Array.from({ length: 30 }, (_, n) => turns(`network ${n % 4}`, () => task(n))));
  expect(most).toBe(2);
  expect(done.filter(({ status }) => status === "fulfilled").length).toBe(20);
});
