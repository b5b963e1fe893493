import type { Member, RoomEvent } from "../protocol/event.ts";

/** A person whom the reader ignores. The names are those of the stored JSON. */
export type IgnoredPerson = Pick<Member, "id" | "nickname" | "trip">;

/** Where the ignored people outlive the page. */
export type IgnoredStore = { load(): unknown; save(people: IgnoredPerson[]): void };

/** The people whom the reader ignores, in all rooms of the site. */
export type Ignored = {
  /** Last ignored, last listed. */
  people: IgnoredPerson[];
  store: IgnoredStore;
  listeners: (() => void)[];
};

// Nobody scrolls through more. Members come again under other ids.
const MOST = 200;

/** Returns the people whom the reader of this browser ignores. */
export function createIgnored(store: IgnoredStore): Ignored {
  const ignored: Ignored = { people: [], store, listeners: [] };
  readIgnored(ignored);
  return ignored;
}

/** Whether the reader ignores a member: the same one, or one with the same trip. */
export function ignores({ people }: Ignored, { id, trip }: Pick<Member, "id" | "trip">): boolean {
  for (let i = 0; i < people.length; i++) {
    const person = people[i] as IgnoredPerson;
    if (person.id === id || (trip && person.trip === trip)) return true;
  }
  return false;
}

/** Returns the events of people whom the reader does not ignore. */
export function notIgnored(ignored: Ignored, events: RoomEvent[]): RoomEvent[] {
  if (ignored.people.length === 0) return events;
  const others: RoomEvent[] = [];
  for (let i = 0; i < events.length; i++) {
    const event = events[i] as RoomEvent;
    if (!ignores(ignored, event.member)) others.push(event);
  }
  return others;
}

/** Ignores a member from now on, or no longer. */
export function setIgnored(ignored: Ignored, { id, nickname, trip }: IgnoredPerson, is: boolean): void {
  readIgnored(ignored);
  const person: IgnoredPerson = trip ? { id, nickname, trip } : { id, nickname };
  const people: IgnoredPerson[] = [];
  for (let i = 0; i < ignored.people.length; i++) {
    const other = ignored.people[i] as IgnoredPerson;
    if (other.id !== id && !(trip && other.trip === trip)) people.push(other);
  }
  if (is) people.push(person);
  ignored.people = people.slice(Math.max(0, people.length - MOST));
  ignored.store.save(ignored.people);
  notify(ignored);
}

/**
 * Reads the list again, since another tab may have changed it. If nothing can be read, the page
 * keeps what it has.
 */
export function readIgnored(ignored: Ignored): void {
  const loaded = ignored.store.load() as (Partial<IgnoredPerson> | null)[] | undefined;
  if (!loaded || typeof loaded !== "object" || typeof loaded.length !== "number") return;
  const people: IgnoredPerson[] = [];
  let isSame = loaded.length === ignored.people.length;
  for (let i = 0; i < loaded.length; i++) {
    const { id, nickname, trip } = loaded[i] || {};
    if (typeof id !== "string" || typeof nickname !== "string") continue;
    people.push(typeof trip === "string" ? { id, nickname, trip } : { id, nickname });
    isSame = isSame && ignored.people[i]?.id === id;
  }
  if (isSame) return;
  ignored.people = people;
  notify(ignored);
}

function notify({ listeners }: Ignored): void {
  for (let i = 0; i < listeners.length; i++) (listeners[i] as () => void)();
}
