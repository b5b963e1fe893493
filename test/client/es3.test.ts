import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { ASSETS } from "../../server/http/assets.ts";
import { es3Faults, runInEs3 } from "../support/es3.ts";

/**
 * Code that Internet Explorer 7 does not understand or runs differently, as seen there or in wine's
 * JScript.
 */
const TRAPS = [
  "x = {a: 1,}",
  "x = [1, 2,].length",
  "f(1,)",
  "x.default",
  "p.catch(f)",
  "x = {default: 1}",
  "x = {get a() { return 1; }}",
  "const x = 1",
  "let x = 1",
  "f = () => 1",
  "x = `text`",
  "class X {}",
  "f(...list)",
  "x = 2 ** 3",
  "try { f(); } catch { g(); }",
  "x = y?.z",
  "for (var x of list) f(x)",
  "f = function g() {}",
  'x = "abc"[0]',
  'x = "abc".substr(-1)',
  'x = "a1b".split(/(\\d)/)',
  "list.splice(1)",
  "n = list.unshift(x)",
  'x = new Date("2012-01-01T00:00:00Z")',
  "x = Date.parse(text)",
  'x = parseInt("010")',
  "setTimeout(f, 10, x)",
  'x = "\\v"',
  "list.forEach(f)",
  "list.map(f)",
  "text.trim()",
  "f.bind(x)",
  "Object.keys(x)",
  "Object.create(x)",
  "Object.defineProperty(x, y, z)",
  "Array.isArray(x)",
  "x = Date.now()",
  "x = JSON.parse(text)",
  "window.JSON.parse(text)",
  "x = new Promise(f)",
  "localStorage.x = 1",
  "x = window.localStorage.x",
  "element.addEventListener(name, f)",
  "document.querySelector(x)",
  "console.log(x)",
  "element.textContent = x",
  "event.preventDefault()",
  "if (x) element.addEventListener(name, f)",
  "x = Object.keys ? 1 : Array.isArray(y)",
];

test.each(TRAPS)("%s is not allowed", (trap) => {
  expect(es3Faults(trap)).not.toEqual([]);
});

test.each([
  'x = {"default": 1, a: 1}; x["catch"](f)',
  "if (element.addEventListener) element.addEventListener(name, f); else element.attachEvent(name, f)",
  'x = typeof JSON === "undefined" ? own : JSON',
  'typeof JSON !== "undefined" && JSON.parse(text)',
  "x = Object.assign || function (a) { return a; }",
  "x.hidden = filter.map; x = outside.now() + cursor.after()",
  "if (event.preventDefault) event.preventDefault(); else event.returnValue = false",
  "list.splice(1, 1); list.unshift(x); x = text.substr(1); x = parseInt(text, 10); setTimeout(f, 10)",
  "x = text.indexOf(y) < 0 ? /a/.exec(y) : list[0]",
])("%s is fit for Internet Explorer 7", (script) => {
  expect(es3Faults(script)).toEqual([]);
});

test.each(["[].map(f)", "''.trim()", "Object.keys({})", "JSON.parse('1')", "f.bind(0)", "Date.now()", "new Map()"])(
  "%s fails in ES3",
  (script) => {
    expect(() => runInEs3(`function f() {} ${script}`, {})).toThrow(/not a function|not defined|not a constructor/);
  },
);

const bundle = (file: string) => readFileSync(new URL(`../../dist/client/${file}`, import.meta.url), "utf8");

describe.each([
  ["legacyScript", 38],
  ["doctorScript", 16],
] as const)("the bundle %s", (name, mostKiB) => {
  const source = bundle(ASSETS[name]);

  test("has none of these traps, and only ASCII", () => {
    expect(es3Faults(source)).toEqual([]);
    expect(source).toMatch(/^[ -~\n]+$/);
  });

  test("looks for JSON before it uses it, since Internet Explorer 7 has none", () => {
    expect(source).toMatch(/typeof JSON/);
  });

  test(`has at most ${mostKiB} KiB when compressed, for slow lines`, () => {
    expect(gzipSync(source, { level: 9 }).length).toBeLessThanOrEqual(mostKiB * 1024);
  });
});

test("the legacy bundle loads in ES3 on a page without a room", () => {
  const world: { [name: string]: unknown } = {
    document: { createElement: () => ({}), getElementById: () => null, getElementsByTagName: () => [], body: {} },
    location: { href: "http://localhost/", protocol: "http:", host: "localhost", pathname: "/" },
    navigator: { userAgent: "" },
    setTimeout: () => 0,
    clearTimeout() {},
  };
  world.window = world;
  runInEs3(bundle(ASSETS.legacyScript), world);
});
