import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { createPlaces, type Place, type Places, type Visitor } from "../../server/delivery/places.ts";

type Hall = { places: Places<string>; dismissed: string[]; held: Place<string>[] };

function openHall(limits: { max: number; networkMax?: number; memberMax?: number }): Hall {
  const dismissed: string[] = [];
  const places = createPlaces<string>({
    networkMax: limits.max,
    memberMax: limits.max,
    ...limits,
    dismiss: (occupant) => dismissed.push(occupant),
  });
  return { places, dismissed, held: [] };
}

/** Visitors `a1`, `a2` … of network `a`. */
function fill({ places, held }: Hall, network: string, count: number, visitor: Partial<Visitor> = {}): boolean[] {
  return Array.from({ length: count }, (_, n) => {
    const place = places.take(`${network}${n + 1}`, { network, factor: 1, ...visitor });
    if (place) held.push(place);
    return place !== undefined;
  });
}

test("when all places are taken, the network that holds most loses its oldest to the newcomer", () => {
  const hall = openHall({ max: 10 });
  fill(hall, "a", 3);
  fill(hall, "greedy", 7);
  expect(fill(hall, "b", 1)).toEqual([true]);
  expect(fill(hall, "c", 1)).toEqual([true]);
  expect(hall.dismissed).toEqual(["greedy1", "greedy2"]);
  expect(hall.places.size()).toBe(10);
});

test("the network that holds most is refused itself", () => {
  const hall = openHall({ max: 10 });
  fill(hall, "a", 3);
  expect(fill(hall, "greedy", 8)).toEqual([true, true, true, true, true, true, true, false]);
  expect(hall.dismissed).toEqual([]);
  expect(hall.places.isFull()).toBe(false);
});

test("networks that hold as many as each other leave each other alone", () => {
  const hall = openHall({ max: 4 });
  for (const network of ["a", "b", "c", "d"]) fill(hall, network, 1);
  expect(fill(hall, "e", 1)).toEqual([false]);
  expect(hall.places.isFull()).toBe(true);
  hall.places.free(hall.held[0] as Place<string>);
  expect(hall.places.isFull()).toBe(false);
  expect(fill(hall, "e", 1)).toEqual([true]);
});

test("a newcomer can come while a network holds two", () => {
  const hall = openHall({ max: 4 });
  fill(hall, "a", 2);
  fill(hall, "b", 2);
  expect(hall.places.isFull()).toBe(false);
  expect(hall.places.isOpenTo({ network: "c", factor: 1 })).toBe(true);
  expect(hall.places.isOpenTo({ network: "a", factor: 1 })).toBe(false);
});

test("beyond its share a network loses its own oldest, though there are places", () => {
  const hall = openHall({ max: 100, networkMax: 3 });
  expect(fill(hall, "a", 5)).toEqual([true, true, true, true, true]);
  expect(hall.dismissed).toEqual(["a1", "a2"]);
  expect(hall.places.heldBy({ network: "a", factor: 1 })).toBe(3);
});

test("a named network has a larger share, and counts as more than one when all places are taken", () => {
  const hall = openHall({ max: 10, networkMax: 3 });
  fill(hall, "office", 7, { factor: 4 });
  fill(hall, "a", 3);
  expect(fill(hall, "b", 1)).toEqual([true]);
  expect(hall.dismissed).toEqual(["a1"]);
});

test("a proxy that is not trusted has no share of its own", () => {
  const hall = openHall({ max: 10, networkMax: 3 });
  expect(fill(hall, "proxy", 11, { isManyVisitors: true })).toEqual([...Array(10).fill(true), false]);
  expect(hall.dismissed).toEqual([]);
  expect(hall.places.isFull()).toBe(true);
});

test("a member beyond its places loses its own oldest, from whatever network", () => {
  const hall = openHall({ max: 100, memberMax: 2 });
  fill(hall, "a", 1, { member: "ann" });
  fill(hall, "b", 1, { member: "bob" });
  fill(hall, "c", 2, { member: "ann" });
  expect(hall.dismissed).toEqual(["a1"]);
});

test("a place that was freed or lost is not freed twice", () => {
  const hall = openHall({ max: 2 });
  fill(hall, "a", 2);
  fill(hall, "b", 1);
  for (const place of [...hall.held, ...hall.held]) hall.places.free(place);
  expect(hall.places.size()).toBe(0);
  expect(hall.dismissed).toEqual(["a1"]);
});

test("whatever comes and goes, the counts are right and the one that loses a place holds most", () => {
  const step = fc.record({ network: fc.constantFrom("a", "b", "c", "d"), leaves: fc.boolean(), nth: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const here: { place: Place<string>; network: string }[] = [];
      const countOf = (network: string) => here.filter((one) => one.network === network).length;
      const places = createPlaces<string>({
        max: 8,
        networkMax: 8,
        memberMax: 8,
        dismiss: (name) => {
          const most = Math.max(...["a", "b", "c", "d"].map(countOf));
          expect(countOf(name)).toBe(most);
          const oldest = here.findIndex((one) => one.network === name);
          expect(here[oldest]?.place.holder).toBeUndefined();
          here.splice(oldest, 1);
        },
      });
      for (const { network, leaves, nth } of steps) {
        if (leaves && here.length > 0) {
          const [left] = here.splice(nth % here.length, 1);
          places.free(left?.place as Place<string>);
        } else {
          const place = places.take(network, { network, factor: 1 });
          if (place) here.push({ place, network });
          else expect(countOf(network) + 1).toBeGreaterThanOrEqual(Math.max(...["a", "b", "c", "d"].map(countOf)));
        }
        expect(places.size()).toBe(here.length);
        for (const name of ["a", "b", "c", "d"])
          expect(places.heldBy({ network: name, factor: 1 })).toBe(countOf(name));
      }
    }),
  );
});
