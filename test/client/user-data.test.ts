import { afterEach, beforeEach, expect, test } from "@jest/globals";

type Store = {
  load(name: string): unknown;
  save(name: string, value: unknown): void;
  names(prefix: string): string[];
};

// By a variable, since the compiler knows another DOM here than Internet Explorer's.
const source = "../../client/legacy/store.ts";
const { createStore } = (await import(source)) as { createStore(area: string): Store };

// HtmlUnit's Internet Explorer has no "userData", so this plays it: a snapshot of attributes, which
// load() takes from the disk and save() puts there as a whole.

const page = globalThis as unknown as { [name: string]: unknown };
let disk: { [area: string]: { [name: string]: string } };
let isForbidden: boolean;

function createBox(): object {
  let attributes: { [name: string]: string } = {};
  return {
    addBehavior() {},
    load(area: string) {
      if (isForbidden) throw new Error("Access is denied.");
      attributes = { ...disk[area] };
    },
    save(area: string) {
      disk[area] = { ...attributes };
    },
    getAttribute: (name: string) => attributes[name] ?? null,
    setAttribute(name: string, text: string) {
      attributes[name] = text;
    },
    removeAttribute(name: string) {
      delete attributes[name];
    },
    get XMLDocument() {
      return { documentElement: { attributes: Object.keys(attributes).map((nodeName) => ({ nodeName })) } };
    },
  };
}

beforeEach(() => {
  disk = {};
  isForbidden = false;
  page.window = {};
  page.document = { createElement: createBox, body: { appendChild: (box: object) => box } };
});

afterEach(() => {
  delete page.window;
  delete page.document;
});

test("two tabs of Internet Explorer 7 keep their values next to each other", () => {
  const [one, other] = [createStore("localStorage"), createStore("localStorage")];
  one.save("left_lobby_a", { draft: "早い" });
  other.save("left_lobby_b", { draft: "quick" });
  one.save("left_garden_a", { draft: "" });
  expect(one.names("left_lobby_").sort()).toEqual(["left_lobby_a", "left_lobby_b"]);
  expect(other.load("left_lobby_a")).toEqual({ draft: "早い" });
  other.save("left_lobby_a", undefined);
  expect(one.names("left_lobby_")).toEqual(["left_lobby_b"]);
  expect(one.load("left_lobby_a")).toBeUndefined();
});

test("Internet Explorer 7 has no store of a tab, which all its tabs would share", () => {
  createStore("sessionStorage").save("tab", "a");
  expect(disk).toEqual({});
});

test("a browser that forbids its storage keeps nothing, and throws nothing", () => {
  isForbidden = true;
  const store = createStore("localStorage");
  store.save("draft", "text");
  expect([store.load("draft"), store.names("")]).toEqual([undefined, []]);
});

test("a browser that forbids its storage later keeps nothing more, and throws nothing", () => {
  const store = createStore("localStorage");
  store.save("draft", "text");
  isForbidden = true;
  store.save("draft", "more");
  expect([store.load("draft"), store.names("")]).toEqual([undefined, []]);
  isForbidden = false;
  expect(store.load("draft")).toBe("text");
});
