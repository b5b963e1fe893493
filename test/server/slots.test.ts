import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Slot, Slots, type Visitor } from "../../server/delivery/slots.ts";
import { networksOf } from "../../server/guard/address.ts";

type Hall = { slots: Slots<string>; dismissed: string[]; held: Slot<string>[] };

function openHall(limits: { max: number; networkMax?: number; memberMax?: number }): Hall {
  const dismissed: string[] = [];
  const slots = new Slots<string>({
    networkMax: limits.max,
    memberMax: limits.max,
    ...limits,
    dismiss: (occupant) => dismissed.push(occupant),
  });
  return { slots, dismissed, held: [] };
}

/** Visitors `a1`, `a2` … of network `a`. */
function fill(
  { slots, held }: Hall,
  network: string | Visitor["networks"],
  visitors: number | (Partial<Visitor> & { count: number }),
): boolean[] {
  const { count, ...visitor } = typeof visitors === "number" ? { count: visitors } : visitors;
  const networks = typeof network === "string" ? ([network] as const) : network;
  return Array.from({ length: count }, (_, n) => {
    const name = networks[0].endsWith("/64") ? `${networks[0]} ${n + 1}` : `${networks[0]}${n + 1}`;
    const slot = slots.take(name, { networks, factor: 1, ...visitor });
    if (slot) held.push(slot);
    return slot !== undefined;
  });
}

test("when all slots are taken, the network that holds most loses its oldest to the newcomer", () => {
  const hall = openHall({ max: 10 });
  fill(hall, "a", 3);
  fill(hall, "greedy", 7);
  expect(fill(hall, "b", 1)).toEqual([true]);
  expect(fill(hall, "c", 1)).toEqual([true]);
  expect(hall.dismissed).toEqual(["greedy1", "greedy2"]);
  expect(hall.slots.size).toBe(10);
});

test("the network that holds most is refused itself", () => {
  const hall = openHall({ max: 10 });
  fill(hall, "a", 3);
  expect(fill(hall, "greedy", 8)).toEqual([true, true, true, true, true, true, true, false]);
  expect(hall.dismissed).toEqual([]);
  expect(hall.slots.isFull()).toBe(false);
});

test("networks that hold as many as each other leave each other alone", () => {
  const hall = openHall({ max: 4 });
  for (const network of ["a", "b", "c", "d"]) fill(hall, network, 1);
  expect(fill(hall, "e", 1)).toEqual([false]);
  expect(hall.slots.isFull()).toBe(true);
  hall.slots.free(hall.held[0] as Slot<string>);
  expect(hall.slots.isFull()).toBe(false);
  expect(fill(hall, "e", 1)).toEqual([true]);
});

test("a newcomer can come while a network holds two", () => {
  const hall = openHall({ max: 4 });
  fill(hall, "a", 2);
  fill(hall, "b", 2);
  expect(hall.slots.isFull()).toBe(false);
  expect(hall.slots.isOpenTo({ networks: ["c"], factor: 1 })).toBe(true);
  expect(hall.slots.isOpenTo({ networks: ["a"], factor: 1 })).toBe(false);
});

test("beyond its share a network loses its own oldest, though there are slots", () => {
  const hall = openHall({ max: 100, networkMax: 3 });
  expect(fill(hall, "a", 5)).toEqual([true, true, true, true, true]);
  expect(hall.dismissed).toEqual(["a1", "a2"]);
  expect(hall.slots.heldBy({ networks: ["a"], factor: 1 })).toBe(3);
});

test("a named network has a larger share, and counts as more than one when all slots are taken", () => {
  const hall = openHall({ max: 10, networkMax: 3 });
  fill(hall, "office", { count: 7, factor: 4 });
  fill(hall, "a", 3);
  expect(fill(hall, "b", 1)).toEqual([true]);
  expect(hall.dismissed).toEqual(["a1"]);
});

describe("an IPv6 provider's /48", () => {
  const customer = (n: number) => networksOf(`2001:db8:7:${n.toString(16)}::1`);

  test("one customer takes nothing from the others while there are slots", () => {
    const hall = openHall({ max: 10_000, networkMax: 2_500 });
    for (let n = 0; n < 50; n += 1) fill(hall, customer(1 + n), 1);
    fill(hall, customer(0x1000), 2_501);
    expect(hall.dismissed).toEqual(["2001:db8:7:1000::/64 1"]);
    expect(hall.slots.size).toBe(2_550);
  });

  test("half of the slots are all that a /48 has; the customer that holds most of them loses its oldest", () => {
    const hall = openHall({ max: 40, networkMax: 15 });
    fill(hall, customer(1), 5);
    fill(hall, customer(2), 15);
    fill(hall, customer(3), 1);
    expect(hall.dismissed).toEqual(["2001:db8:7:2::/64 1"]);
    fill(hall, networksOf("2001:db8:8:1::1"), 1);
    expect(hall.dismissed.length).toBe(1);
    expect(hall.slots.size).toBe(21);
  });

  test("a slot in each of many /64s counts as a tenth of a slot when all are taken", () => {
    const hall = openHall({ max: 40, networkMax: 40 });
    for (let n = 0; n < 40; n += 1) fill(hall, customer(n), 1);
    expect(hall.slots.isFull()).toBe(false);
    expect(fill(hall, ["192.0.2.1"], 3)).toEqual([true, true, true]);
    expect(hall.dismissed).toEqual(["2001:db8:7:0::/64 1", "2001:db8:7:1::/64 1", "2001:db8:7:2::/64 1"]);
  });

  test("a customer with one slot comes in at the cost of a customer with many, though their /48 holds most", () => {
    const hall = openHall({ max: 40, networkMax: 40 });
    for (let n = 0; n < 35; n += 1) fill(hall, customer(n), 1);
    fill(hall, customer(99), 5);
    expect(fill(hall, customer(100), 2)).toEqual([true, true]);
    expect(hall.dismissed).toEqual(["2001:db8:7:63::/64 1", "2001:db8:7:63::/64 2"]);
    expect(fill(hall, customer(101), 1)).toEqual([true]);
  });

  test("the slots of a named network count less within it as well", () => {
    const hall = openHall({ max: 100, networkMax: 20 });
    fill(hall, customer(1), { count: 80, factor: 4 });
    fill(hall, customer(2), 10);
    expect(hall.dismissed).toEqual([]);
  });
});

test("a proxy that is not trusted has no share of its own", () => {
  const hall = openHall({ max: 10, networkMax: 3 });
  expect(fill(hall, "proxy", { count: 11, isManyVisitors: true })).toEqual([...Array(10).fill(true), false]);
  expect(hall.dismissed).toEqual([]);
  expect(hall.slots.isFull()).toBe(true);
});

test("a member beyond its slots loses its own oldest, from whatever network", () => {
  const hall = openHall({ max: 100, memberMax: 2 });
  fill(hall, "a", { count: 1, member: "ann" });
  fill(hall, "b", { count: 1, member: "bob" });
  fill(hall, "c", { count: 2, member: "ann" });
  expect(hall.dismissed).toEqual(["a1"]);
});

test("a slot that was freed or lost is not freed twice", () => {
  const hall = openHall({ max: 2 });
  fill(hall, "a", 2);
  fill(hall, "b", 1);
  for (const slot of [...hall.held, ...hall.held]) hall.slots.free(slot);
  expect(hall.slots.size).toBe(0);
  expect(hall.dismissed).toEqual(["a1"]);
});

test("for any history in two /48s, the counts are right and a newcomer from elsewhere gets a slot", () => {
  const step = fc.record({ wide: fc.nat(1), narrow: fc.nat(5), leaves: fc.boolean(), nth: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const here: { name: string; slot: Slot<string> }[] = [];
      const slots = new Slots<string>({
        max: 24,
        networkMax: 8,
        memberMax: 8,
        dismiss: (name) => {
          const oldest = here.findIndex((one) => one.name === name);
          expect(here[oldest]?.slot.holder).toBeUndefined();
          here.splice(oldest, 1);
        },
      });
      for (const { wide, narrow, leaves, nth } of steps) {
        const networks = networksOf(`2001:db8:${wide}:${narrow}::1`);
        if (leaves && here.length > 0) slots.free(here.splice(nth % here.length, 1)[0]?.slot as Slot<string>);
        else {
          const isOpen = slots.isOpenTo({ networks, factor: 1 });
          const slot = slots.take(networks[0], { networks, factor: 1 });
          expect(slot !== undefined).toBe(isOpen);
          if (slot) here.push({ name: networks[0], slot });
        }
        const countOf = (prefix: string) => here.filter(({ name }) => name.startsWith(prefix)).length;
        expect(slots.size).toBe(here.length);
        expect(slots.heldBy({ networks, factor: 1 })).toBe(countOf(networks[0]));
        expect(countOf(networks[0])).toBeLessThanOrEqual(8);
        expect(countOf(`2001:db8:${wide}:`)).toBeLessThanOrEqual(12);
        // 24 slots in two /48s make a load of two.
        if (slots.size === 24) expect(slots.isOpenTo({ networks: ["192.0.2.1"], factor: 1 })).toBe(true);
      }
      for (const { slot } of here) slots.free(slot);
      expect(slots.size).toBe(0);
      expect(slots.isFull()).toBe(false);
    }),
  );
});

test("for any history, the counts are right and the one that loses a slot holds most", () => {
  const step = fc.record({ network: fc.constantFrom("a", "b", "c", "d"), leaves: fc.boolean(), nth: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const here: { slot: Slot<string>; network: string }[] = [];
      const countOf = (network: string) => here.filter((one) => one.network === network).length;
      const slots = new Slots<string>({
        max: 8,
        networkMax: 8,
        memberMax: 8,
        dismiss: (name) => {
          const most = Math.max(...["a", "b", "c", "d"].map(countOf));
          expect(countOf(name)).toBe(most);
          const oldest = here.findIndex((one) => one.network === name);
          expect(here[oldest]?.slot.holder).toBeUndefined();
          here.splice(oldest, 1);
        },
      });
      for (const { network, leaves, nth } of steps) {
        if (leaves && here.length > 0) {
          const [left] = here.splice(nth % here.length, 1);
          slots.free(left?.slot as Slot<string>);
        } else {
          const isOpen = slots.isOpenTo({ networks: [network], factor: 1 });
          const slot = slots.take(network, { networks: [network], factor: 1 });
          expect(slot !== undefined).toBe(isOpen);
          if (slot) here.push({ slot, network });
          else expect(countOf(network) + 1).toBeGreaterThanOrEqual(Math.max(...["a", "b", "c", "d"].map(countOf)));
        }
        expect(slots.size).toBe(here.length);
        for (const name of ["a", "b", "c", "d"])
          expect(slots.heldBy({ networks: [name], factor: 1 })).toBe(countOf(name));
      }
    }),
  );
});
