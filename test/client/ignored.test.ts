import { expect, test } from "@jest/globals";
import { createIgnored, type IgnoredPerson, ignores, readIgnored, setIgnored } from "../../client/ignored.ts";

/** A store that several pages share. */
function sharedStore(kept: unknown = undefined) {
  let stored = kept === undefined ? "" : JSON.stringify(kept);
  return {
    load: (): unknown => (stored === "" ? undefined : JSON.parse(stored)),
    save(people: IgnoredPerson[]) {
      stored = JSON.stringify(people);
    },
  };
}

const ann = { id: "a", nickname: "Ann", color: "#0b57d0", trip: "◆ann" };
const bob = { id: "b", nickname: "Bob", color: "#0b57d0" };

test("a member is ignored by id and by trip, under another nickname, too", () => {
  const ignored = createIgnored(sharedStore());
  setIgnored(ignored, ann, true);
  setIgnored(ignored, bob, true);
  expect(ignores(ignored, { id: "a" })).toBe(true);
  expect(ignores(ignored, { id: "other", trip: "◆ann" })).toBe(true);
  expect(ignores(ignored, { id: "b", trip: "◆new" })).toBe(true);
  expect(ignores(ignored, { id: "c" })).toBe(false);
  setIgnored(ignored, { id: "other", nickname: "Anna", trip: "◆ann" }, false);
  expect(ignored.people).toEqual([{ id: "b", nickname: "Bob" }]);
});

test("pages of one browser add to the same list, and learn of each other's changes", () => {
  const store = sharedStore();
  const [one, other] = [createIgnored(store), createIgnored(store)];
  let changes = 0;
  other.listeners.push(() => changes++);
  setIgnored(one, ann, true);
  readIgnored(other);
  expect([changes, ignores(other, ann)]).toEqual([1, true]);
  setIgnored(other, bob, true);
  setIgnored(one, ann, false);
  expect(one.people.map(({ id }) => id)).toEqual(["b"]);
  readIgnored(other);
  readIgnored(other);
  expect(other.people).toEqual(one.people);
  expect(changes).toBe(3);
});

test("a page whose browser keeps nothing keeps the list itself", () => {
  const ignored = createIgnored({ load: () => undefined, save() {} });
  setIgnored(ignored, ann, true);
  readIgnored(ignored);
  expect(ignores(ignored, ann)).toBe(true);
});

test.each([["text"], [{ length: 2 }], [[null, 7, { id: 1 }, { id: "x" }]]])(
  "of %j in the store, nothing is ignored",
  (kept) => {
    expect(createIgnored(sharedStore(kept)).people).toEqual([]);
  },
);

test("only the last 200 people are kept", () => {
  const ignored = createIgnored(sharedStore());
  for (let n = 0; n < 205; n++) setIgnored(ignored, { id: `m${n}`, nickname: `N${n}` }, true);
  expect([ignored.people.length, ignored.people[0]?.id]).toEqual([200, "m5"]);
});
