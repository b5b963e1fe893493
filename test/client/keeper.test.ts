import { describe, expect, test } from "@jest/globals";
import { createKeeper, type Held, type Keeper, type TabRecord } from "../../client/core/sending/keeper.ts";
import type { UnsentMessage } from "../../client/core/sending/outbox.ts";
import { createWorld, type World } from "./world.ts";

const ann = { id: "m1", nickname: "Ann", isPresent: true };

/** A browser, with all that its tabs share. */
type Browser = { world: World; shelf: Map<string, TabRecord>; held: Set<string>; hasLocks: boolean; tabs: number };

type Tab = {
  keeper: Keeper;
  key: string;
  /** The messages that were found, as `text` or `text (refused)`. */
  found: string[];
  drafts: string[];
  losses: number;
  /** Closes the tab as a browser does that ends it without a word. */
  crash(): void;
};

function createBrowser(hasLocks: boolean): Browser {
  return { world: createWorld(), shelf: new Map(), held: new Set(), hasLocks, tabs: 0 };
}

function openTab(browser: Browser, { key = `tab${++browser.tabs}`, me = ann, field = "" } = {}): Tab {
  const { world, shelf, held, hasLocks } = browser;
  const locks: string[] = [];
  let isGone = false;
  const tab = { key, found: [] as string[], drafts: [] as string[], losses: 0 };
  const copy = (record: TabRecord | undefined) => (record === undefined ? undefined : structuredClone(record));
  const { later } = world.environment;
  const keeper = createKeeper({
    environment: { ...world.environment, later: (ms, run) => later(ms, () => isGone || run()) },
    shelf: {
      keys: () => [...shelf.keys()],
      load: (name) => copy(shelf.get(name)),
      save: (name, record) => (record === undefined ? shelf.delete(name) : shelf.set(name, structuredClone(record))),
    },
    key,
    newKey: () => {
      tab.key = `tab${++browser.tabs}`;
      return tab.key;
    },
    me: () => me,
    hold: hasLocks ? lock : undefined,
    found(messages) {
      tab.found.push(...messages.map(({ text, state }) => (state === "refused" ? `${text} (refused)` : text)));
      all.push(...messages);
      keeper.store.save(all);
    },
    foundDraft(draft) {
      if (field !== "") return false;
      tab.drafts.push(draft);
      return true;
    },
    lost() {
      tab.losses++;
    },
  });
  const all: UnsentMessage[] = [];
  keeper.open();
  world.pass(10);
  return Object.assign(tab, {
    keeper,
    crash() {
      isGone = true;
      for (const name of locks) held.delete(name);
    },
  });

  function lock(name: string, holder: Held): void {
    world.environment.later(1, () => {
      if (held.has(name)) holder(false, () => {});
      else {
        held.add(name);
        locks.push(name);
        holder(true, () => held.delete(name));
      }
    });
  }
}

const message = (text: string): UnsentMessage => ({ id: `id-${text}`, text, state: "kept" });

describe.each([
  ["with locks", true],
  ["without locks", false],
])("what a tab has not sent, %s,", (_, hasLocks) => {
  /** Longer than a tab counts as alive without locks. */
  const GONE_MS = 400_000;

  test("is found by the next page of the tab, and by nobody else while it is open", () => {
    const browser = createBrowser(hasLocks);
    const tab = openTab(browser);
    tab.keeper.store.save([message("one"), message("two")]);
    tab.keeper.saveDraft("a draft");
    const other = openTab(browser);
    browser.world.pass(GONE_MS);
    expect([other.found, other.drafts]).toEqual([[], []]);
    tab.keeper.sleep();
    const next = openTab(browser, { key: tab.key });
    expect([next.found, next.drafts]).toEqual([["one", "two"], ["a draft"]]);
    browser.world.pass(GONE_MS);
    expect(other.found).toEqual([]);
  });

  test("is found by one of the tabs that open after it was closed, or has crashed", () => {
    for (const how of ["closed", "crashed"]) {
      const browser = createBrowser(hasLocks);
      const tab = openTab(browser);
      tab.keeper.store.save([message("one")]);
      if (how === "closed") tab.keeper.sleep();
      tab.crash();
      const tabs = [openTab(browser), openTab(browser), openTab(browser)];
      browser.world.pass(GONE_MS);
      expect([how, tabs.flatMap(({ found }) => found)]).toEqual([how, ["one"]]);
    }
  });

  test("is found by a tab that is open when another one is closed", () => {
    const browser = createBrowser(hasLocks);
    const [tab, other] = [openTab(browser), openTab(browser)];
    tab.keeper.store.save([message("one")]);
    other.keeper.noteChange(tab.key);
    tab.keeper.sleep();
    other.keeper.noteChange(tab.key);
    // A tab that is reloaded would be back by now.
    browser.world.pass(4_000);
    expect(other.found).toEqual([]);
    browser.world.pass(2_000);
    expect(other.found).toEqual(["one"]);
    tab.keeper.open();
    browser.world.pass(10);
    expect([tab.losses, tab.found]).toEqual([1, []]);
  });

  test("is found although the page before it gives its record up late", () => {
    const browser = createBrowser(true);
    const tab = openTab(browser);
    tab.keeper.store.save([message("one")]);
    const { held } = browser;
    tab.keeper.sleep();
    held.add(tab.key);
    const next = openTab(browser, { key: tab.key });
    const other = openTab(browser);
    browser.world.pass(500);
    expect([next.found, other.found]).toEqual([[], []]);
    held.delete(tab.key);
    browser.world.pass(1_000);
    expect([...next.found, ...other.found]).toEqual(["one"]);
  });

  test("stays with a tab that comes back", () => {
    const browser = createBrowser(hasLocks);
    const tab = openTab(browser);
    tab.keeper.store.save([message("one")]);
    tab.keeper.sleep();
    tab.keeper.open();
    browser.world.pass(10);
    expect([tab.losses, tab.found]).toEqual([0, []]);
    const other = openTab(browser);
    browser.world.pass(GONE_MS);
    expect(other.found).toEqual([]);
  });

  test("is apart from that of a copy which was opened before there was anything to keep", () => {
    const browser = createBrowser(hasLocks);
    const tab = openTab(browser);
    const copy = openTab(browser, { key: tab.key });
    tab.keeper.store.save([message("one")]);
    browser.world.pass(1_000);
    copy.keeper.saveDraft("a draft");
    copy.keeper.saveDraft("");
    copy.keeper.store.save([message("two")]);
    browser.world.pass(1_000);
    tab.keeper.saveDraft("another draft");
    for (const one of [tab, copy]) one.crash();
    const next = openTab(browser);
    browser.world.pass(GONE_MS);
    expect([next.found.sort(), next.drafts]).toEqual([["one", "two"], ["another draft"]]);
  });

  test("stays with the tab if a copy of it opens, which gets a key of its own", () => {
    const browser = createBrowser(hasLocks);
    const tab = openTab(browser);
    tab.keeper.store.save([message("one")]);
    const copy = openTab(browser, { key: tab.key });
    expect([copy.found, copy.key === tab.key]).toEqual([[], false]);
    copy.keeper.store.save([message("two")]);
    expect([...browser.shelf.values()].flatMap(({ messages }) => messages.map(({ text }) => text))).toEqual([
      "one",
      "two",
    ]);
  });

  test("is not sent by another session, or by one that has left the room, unless its author confirms it", () => {
    for (const [me, found] of [
      [{ id: "m2", nickname: "Ann", isPresent: true }, ["one (refused)"]],
      [{ id: "m1", nickname: "Anna", isPresent: true }, ["one (refused)"]],
      [{ id: "m1", nickname: "Ann", isPresent: false }, ["one (refused)"]],
      [{ id: "", nickname: "", isPresent: false }, []],
    ] as const) {
      const browser = createBrowser(hasLocks);
      const tab = openTab(browser);
      tab.keeper.store.save([message("one")]);
      tab.keeper.saveDraft("private");
      tab.keeper.sleep();
      tab.crash();
      const other = openTab(browser, { me });
      expect([me, other.found]).toEqual([me, found]);
      if (me.id !== "m1") expect(other.drafts).toEqual([]);
    }
  });

  test("is sent by the next page of its own tab, once its author has entered again under the same name", () => {
    const browser = createBrowser(hasLocks);
    const tab = openTab(browser);
    tab.keeper.store.save([message("one")]);
    tab.keeper.sleep();
    const visitor = openTab(browser, { key: tab.key, me: { id: "", nickname: "", isPresent: false } });
    expect(visitor.found).toEqual(["one (refused)"]);
    visitor.keeper.sleep();
    const member = openTab(browser, { key: tab.key, me: { id: "m9", nickname: "Ann", isPresent: true } });
    expect(member.found).toEqual(["one"]);
  });

  test("keeps a draft for which there is no place, and forgets what is a month old", () => {
    const browser = createBrowser(hasLocks);
    const tab = openTab(browser);
    tab.keeper.saveDraft("a draft");
    tab.keeper.sleep();
    tab.crash();
    openTab(browser, { field: "something else" }).crash();
    expect([...browser.shelf.values()].map(({ draft }) => draft)).toEqual(["a draft"]);
    browser.world.pass(31 * 86_400_000);
    expect(openTab(browser).drafts).toEqual([]);
    expect(browser.shelf.size).toBe(0);
  });
});
