import type { Person, SystemOptions } from "./system.ts";

/**
 * Gives every reader of every room an address; `valuesOf` says what is filled into that reader's
 * requests.
 */
export function peopleOf(
  { rooms, readersPerRoom, membersPerRoom }: SystemOptions,
  valuesOf: (person: Omit<Person, "values">, n: number) => Person["values"],
): Person[] {
  return Array.from({ length: rooms * readersPerRoom }, (_, index) => {
    const n = index % readersPerRoom;
    const kind = n < membersPerRoom ? ("member" as const) : ("watcher" as const);
    const person = { room: Math.floor(index / readersPerRoom), kind, address: addressOf(index) };
    return { ...person, values: valuesOf(person, n) };
  });
}

/**
 * [RFC 1122 3.2.1.3] All of 127.0.0.0/8 is this machine; Linux takes any of it without more ado.
 */
function addressOf(n: number): string {
  return `127.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
}

/** Chromium's description of itself and of its user, who reads Japanese. */
export const BROWSER = {
  chromium: "156",
  brands: '"Not:A-Brand";v="8", "Chromium";v="156", "Google Chrome";v="156"',
  languages: "ja,en-US;q=0.9,en;q=0.8",
};
