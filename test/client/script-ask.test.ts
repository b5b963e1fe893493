import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Answer } from "../../client/core/base/http.ts";
import { createScriptAsk } from "../../client/transports/jsonp.ts";

// The elements of a page, as far as a script element needs them. test/legacy runs the same in
// HtmlUnit, whose scripts report what Internet Explorer's do.

type Script = {
  src: string;
  readyState?: string;
  onload?: (() => void) | null;
  onerror?: (() => void) | null;
  onreadystatechange?: (() => void) | null;
};

// Longer than any of these tests may take.
const TIMEOUT_MS = 60_000;

let script: Script;
let answers: Answer[];
let answered: Promise<void>;
let hangUp: () => void;
const page = globalThis as unknown as { [name: string]: unknown };

beforeEach(() => {
  script = { src: "" };
  page.window = globalThis;
  page.document = { createElement: () => script, getElementsByTagName: () => [{ appendChild() {} }] };
  answers = [];
  answered = new Promise((resolve) => {
    const ask = createScriptAsk({ parse: JSON.parse, print: JSON.stringify });
    hangUp = ask({ method: "GET", url: "/api/poll", timeoutMs: TIMEOUT_MS }, (answer) => {
      answers.push(answer);
      resolve();
    });
  });
});

afterEach(() => {
  hangUp();
  delete page.window;
  delete page.document;
});

function call(value: object): void {
  const name = /callback=(\w+)/.exec(script.src)?.[1] as string;
  (page[name] as (value: object) => void)(value);
}

function becomes(readyState: string): void {
  script.readyState = readyState;
  script.onreadystatechange?.();
}

test("a script that is loaded and has called nothing is a failed attempt, in browsers without onerror", async () => {
  becomes("loading");
  becomes("loaded");
  await answered;
  expect(answers).toEqual([{ status: 0, text: "" }]);
});

test("a script that was complete at once and has called nothing is a failed attempt", async () => {
  becomes("complete");
  await answered;
  expect(answers).toEqual([{ status: 0, text: "" }]);
});

test("a script that is another site's page is a failed attempt, in browsers that report only its end", async () => {
  script.onload?.();
  await answered;
  expect(answers).toEqual([{ status: 0, text: "" }]);
});

test("a script may call a moment after it is loaded", async () => {
  becomes("loaded");
  call({ chattera: 1 });
  await answered;
  becomes("complete");
  expect(answers).toEqual([{ status: 200, text: '{"chattera":1}' }]);
  expect([script.onload, script.onerror, script.onreadystatechange]).toEqual([null, null, null]);
});
