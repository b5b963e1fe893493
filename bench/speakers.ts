import type { Person, Plan } from "./systems/system.ts";

/**
 * Says whose turn the nth message is: every member's once in each round, in an order without a
 * pattern. In the order of rooms, a room's messages would come one right after the other, and be
 * read together.
 */
export function speakersOf(plan: Plan): (n: number) => Person {
  const members = plan.people.filter(({ kind }) => kind === "member");
  const random = generator();
  for (let n = members.length - 1; n > 0; n -= 1) {
    const other = Math.floor(random() * (n + 1));
    [members[n], members[other]] = [members[other] as Person, members[n] as Person];
  }
  return (n) => members[n % members.length] as Person;
}

/** [Lehmer] The same numbers in each run. */
function generator(): () => number {
  let seed = 20261130;
  return () => {
    seed = (seed * 48271) % 0x7fffffff;
    return seed / 0x7fffffff;
  };
}
