import { describe, expect, test } from "@jest/globals";
import { createEntryQueue } from "../../db/log/entry-queue.ts";

type One = { share: string; roomId: number; name: string };

const one = (share: string, n: number, roomId = 1): One => ({ share, roomId, name: `${share} ${n}` });
const names = (taken: One[]) => taken.map(({ name }) => name);

describe("the queue of entry requests", () => {
  test("serves a newcomer before a crowd from one address, and keeps the order of the others", () => {
    const queue = createEntryQueue<One>(100);
    for (let n = 0; n < 50; n += 1) queue.add(one("storm", n));
    queue.add(one("newcomer", 0));
    expect(names(queue.take(3))).toEqual(["storm 0", "storm 1", "newcomer 0"]);
    expect(queue.all()).toHaveLength(48);
  });

  test("serves the first request for a quiet room before a crowd that wants to enter another one", () => {
    const queue = createEntryQueue<One>(100);
    for (let n = 0; n < 50; n += 1) queue.add(one(`address-${n}`, 0, 1));
    queue.add(one("newcomer", 0, 2));
    expect(names(queue.take(2))).toContain("newcomer 0");
  });

  test("drops, when it is full, the last request of the address that has most in it", () => {
    const queue = createEntryQueue<One>(10);
    for (let n = 0; n < 8; n += 1) queue.add(one("storm", n));
    for (let n = 0; n < 2; n += 1) queue.add(one("other", n));
    expect(queue.add(one("newcomer", 0))?.name).toBe("storm 7");
    expect(queue.add(one("storm", 8))?.name).toBe("storm 8");
    expect(queue.all()).toHaveLength(10);
  });

  test("drops, when it is full and no address has two, the last request", () => {
    const queue = createEntryQueue<One>(3);
    for (let n = 0; n < 3; n += 1) queue.add(one(`address-${n}`, 0));
    expect(queue.add(one("newcomer", 0))?.name).toBe("newcomer 0");
  });
});
