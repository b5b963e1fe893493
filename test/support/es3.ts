import { createContext, runInContext } from "node:vm";
import { type AnyNode, type Options, type Program, parse } from "acorn";

/** Constructors and globals that came after ES3; in Internet Explorer 6 and 7 they do not exist. */
const NEWER_GLOBALS = words(`JSON Promise Symbol Map Set WeakMap WeakSet WeakRef Proxy Reflect Intl BigInt globalThis
  console localStorage sessionStorage fetch EventSource WebSocket AbortController URL URLSearchParams FormData Blob
  TextDecoder TextEncoder queueMicrotask requestAnimationFrame CustomEvent structuredClone`);

/** Functions of built-in objects that came after ES3. */
const NEWER_STATICS = words(`Object.keys Object.create Object.defineProperty Object.defineProperties Object.assign
  Object.entries Object.values Object.freeze Object.seal Object.getPrototypeOf Object.setPrototypeOf
  Object.getOwnPropertyNames Object.preventExtensions Object.is Object.fromEntries Object.hasOwn Array.isArray
  Array.from Array.of Date.now Math.trunc Math.sign Math.log2 Math.log10 Math.hypot Number.isNaN Number.isFinite
  Number.isInteger Number.parseInt String.raw String.fromCodePoint`);

/**
 * Methods of newer arrays, strings, functions, elements and pages. No object of chattera has a
 * method of these names.
 */
const NEWER_METHODS = words(`forEach map filter some every reduce reduceRight find findIndex findLast includes flat
  flatMap fill trim trimStart trimEnd startsWith endsWith padStart padEnd repeat codePointAt normalize matchAll
  replaceAll bind toISOString toJSON addEventListener removeEventListener dispatchEvent querySelector querySelectorAll
  getElementsByClassName insertAdjacentElement replaceChildren preventDefault stopPropagation pushState replaceState
  sendBeacon matchMedia getComputedStyle`);

/** Properties that newer elements and pages have. */
const NEWER_PROPERTIES = words(`classList dataset textContent firstElementChild nextElementSibling currentTarget
  defaultView localStorage sessionStorage`);

type Step = { node: AnyNode; parent: AnyNode | undefined; above: AnyNode[] };

/**
 * Returns the faults of a script for Internet Explorer 6 and 7, in words: anything they do not
 * understand or do differently. It knows the source only; `a[0]` of a string is found by the
 * compiler (client/core/base/es3.d.ts).
 */
export function es3Faults(source: string): string[] {
  const faults: string[] = [];
  const options: Options = {
    ecmaVersion: 3,
    allowReserved: "never",
    onTrailingComma: (at) => faults.push(`a comma at the end of a list: ${around(source, at)}`),
  };
  let program: Program;
  try {
    program = parse(source, options);
  } catch (error) {
    const { message, pos } = error as SyntaxError & { pos: number };
    return [`${message}: ${around(source, pos)}`];
  }
  walk({ node: program, parent: undefined, above: [] }, (step) => {
    for (const find of [trap, missing]) {
      const fault = find(step, source);
      if (fault !== undefined) faults.push(`${fault}: ${around(source, step.node.start)}`);
    }
  });
  return faults;
}

function walk(step: Step, visit: (step: Step) => void): void {
  const { node, above } = step;
  visit(step);
  const below = [...above, node];
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string") walk({ node: child, parent: node, above: below }, visit);
    }
  }
}

/** Finds features that IE7 has but that behave differently. */
function trap({ node, parent }: Step): string | undefined {
  if (node.type === "FunctionExpression" && node.id) return "the name of a function expression leaks";
  if (node.type === "Literal" && typeof node.value === "string" && /(^|[^\\])(\\\\)*\\v/.test(node.raw ?? ""))
    return '"\\v" is the letter v';
  if (node.type === "MemberExpression" && node.computed && isText(node.object)) return "a string has no [0]";
  if (node.type === "NewExpression" && isNamed(node.callee, "Date") && isText(node.arguments[0]))
    return "Date reads no ISO dates";
  if (node.type !== "CallExpression") return undefined;
  const { callee, arguments: given } = node;
  const name = called(callee);
  const [first] = given;
  if (/^set(Timeout|Interval)$/.test(name) && given.length > 2) return "a timer passes no arguments on";
  if (name === "parseInt" && given.length < 2) return 'parseInt("010") is 8';
  if (callee.type !== "MemberExpression") return undefined;
  if (name === "parse" && isNamed(callee.object, "Date")) return "Date reads no ISO dates";
  if (name === "substr" && first?.type === "UnaryExpression") return "substr does not count from the end";
  if (name === "split" && first?.type === "Literal" && first.value instanceof RegExp)
    return "split by an expression drops what is empty or captured";
  if (name === "splice" && given.length < 2) return "splice without a count removes nothing";
  if (name === "unshift" && parent?.type !== "ExpressionStatement" && parent?.type !== "SequenceExpression")
    return "unshift gives nothing back";
  return undefined;
}

/**
 * Finds features that IE7 lacks, unless the script checks first: `if (x.addEventListener) …`,
 * `typeof JSON`, `a.b || own`.
 */
function missing({ node, parent, above }: Step, source: string): string | undefined {
  const name = newer(node, parent);
  if (name === undefined || (parent?.type === "UnaryExpression" && parent.operator === "typeof")) return undefined;
  const word = new RegExp(`\\b${name.replace(/^.*\./, "")}\\b`);
  const path = [...above, node];
  const looked = above.some((ancestor, depth) => {
    const test = ancestor.type === "LogicalExpression" ? ancestor.left : "test" in ancestor ? ancestor.test : undefined;
    if (!test) return false;
    const isTheTest = path[depth + 1] === test && !isCalled(node, parent);
    return isTheTest || (path[depth + 1] !== test && word.test(source.slice(test.start, test.end)));
  });
  return looked ? undefined : `there is no ${name}`;
}

function newer(node: AnyNode, parent: AnyNode | undefined): string | undefined {
  if (node.type === "MemberExpression" && !node.computed && node.property.type === "Identifier") {
    const { name } = node.property;
    const full = node.object.type === "Identifier" ? `${node.object.name}.${name}` : name;
    if (NEWER_STATICS.has(full)) return full;
    const isGlobal = isNamed(node.object, "window") && NEWER_GLOBALS.has(name);
    const isMethod = NEWER_METHODS.has(name) && isCalled(node, parent);
    return isGlobal || isMethod || NEWER_PROPERTIES.has(name) ? name : undefined;
  }
  if (node.type !== "Identifier" || !NEWER_GLOBALS.has(node.name)) return undefined;
  const isName =
    (parent?.type === "MemberExpression" && parent.property === node && !parent.computed) ||
    (parent?.type === "Property" && parent.key === node);
  return isName ? undefined : node.name;
}

function isCalled(node: AnyNode, parent: AnyNode | undefined): boolean {
  return (parent?.type === "CallExpression" || parent?.type === "NewExpression") && parent.callee === node;
}

function called(callee: AnyNode): string {
  if (callee.type === "Identifier") return callee.name;
  return callee.type === "MemberExpression" && callee.property.type === "Identifier" ? callee.property.name : "";
}

function isNamed(node: AnyNode, name: string): boolean {
  return node.type === "Identifier" && node.name === name;
}

function isText(node: AnyNode | undefined): boolean {
  return node?.type === "Literal" && typeof node.value === "string";
}

function around(source: string, at: number): string {
  return JSON.stringify(source.slice(Math.max(0, at - 20), at + 40));
}

/** All members that ES3 has, by their object. */
const ES3 = {
  this: `Object Function Array String Boolean Number Date RegExp Math Error EvalError RangeError ReferenceError
    SyntaxError TypeError URIError NaN Infinity undefined eval parseInt parseFloat isNaN isFinite decodeURI
    decodeURIComponent encodeURI encodeURIComponent escape unescape`,
  Object: "prototype",
  Array: "prototype",
  String: "prototype fromCharCode",
  Number: "prototype MAX_VALUE MIN_VALUE NaN NEGATIVE_INFINITY POSITIVE_INFINITY",
  Date: "prototype parse UTC",
  Math: `E LN10 LN2 LOG2E LOG10E PI SQRT1_2 SQRT2 abs acos asin atan atan2 ceil cos exp floor log max min pow random
    round sin sqrt tan`,
  "Object.prototype": `constructor toString toLocaleString valueOf hasOwnProperty isPrototypeOf propertyIsEnumerable`,
  "Function.prototype": "constructor length toString apply call",
  "Array.prototype": `constructor length toString toLocaleString concat join pop push reverse shift slice sort splice
    unshift`,
  "String.prototype": `constructor length toString valueOf charAt charCodeAt concat indexOf lastIndexOf localeCompare
    match replace search slice split substring substr toLowerCase toLocaleLowerCase toUpperCase toLocaleUpperCase`,
};

/** Runs a script in a world that has nothing newer than ES3, and the members of `host`. */
export function runInEs3(source: string, host: object): unknown {
  const world = createContext(host);
  const kept = new Set(Object.keys(host));
  for (const [path, names] of Object.entries(ES3)) {
    const object = runInContext(path, world);
    const known = words(names);
    for (const key of Reflect.ownKeys(object)) {
      // V8 does not delete some, such as a function's length.
      if (!known.has(String(key)) && !(path === "this" && kept.has(String(key)))) Reflect.deleteProperty(object, key);
    }
  }
  // Node would format the stack of an error with array functions that are gone.
  runInContext("Error.prepareStackTrace = function (error) { return String(error); }", world);
  return runInContext(source, world, { displayErrors: false });
}

function words(text: string): Set<string> {
  return new Set(text.split(/\s+/));
}
