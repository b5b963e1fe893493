// biome-ignore-all lint/style/useConsistentTypeDefinitions: They add to the interfaces of core/base/es3.d.ts.
// biome-ignore-all lint/suspicious/noShadowRestrictedNames: There is no other Date.

// All that the page's script may use in addition to the core: the parts that Internet Explorer 6
// has. Anything that may be missing is marked `undefined`.
interface Array<T> {
  slice(start: number, end?: number): T[];
  splice(start: number, count: number, ...items: T[]): T[];
}
interface Date {
  getTime(): number;
  getFullYear(): number;
  getMonth(): number;
  getDate(): number;
  getDay(): number;
  getHours(): number;
  getMinutes(): number;
  toDateString(): string;
}
interface Math {
  random(): number;
}
interface RegExp {
  exec(text: string): (string[] & { index: number }) | null;
}
interface String {
  indexOf(part: string, from?: number): number;
  replace(pattern: RegExp, by: string | ((found: string, group: string) => string)): string;
  split(by: string): string[];
  toLowerCase(): string;
  toUpperCase(): string;
}
declare const Date: { new (ms?: number): Date; UTC(year: number, month: number, ...rest: number[]): number };
declare const Function: { new (body: string): () => unknown };
declare const Number: (value: unknown) => number;
declare const JSON: { parse(text: string): unknown } | undefined;

declare function clearTimeout(timer: number): void;
declare function setTimeout(run: () => void, ms: number): number;

interface List<Item> {
  [index: number]: Item;
  length: number;
}

interface TreeNode {
  nodeName: string;
  nodeType: number;
  nextSibling: PageElement | null;
  nodeValue: string;
  parentNode: PageElement | null;
  previousSibling: PageElement | null;
}

type HTMLScriptElement = PageElement;

interface PageElement extends TreeNode {
  checked: boolean;
  className: string;
  childNodes: List<PageElement>;
  clientHeight: number;
  disabled: boolean;
  firstChild: PageElement | null;
  href: string;
  id: string;
  innerHTML: string;
  innerText: string | undefined;
  lang: string;
  lastChild: PageElement | null;
  name: string;
  offsetHeight: number;
  rel: string;
  scrollHeight: number;
  scrollTop: number;
  /** [IE8] */
  selectionEnd: number | undefined;
  selectionStart: number | undefined;
  src: string;
  tabIndex: number;
  style: { color: string; display: string; height: string };
  target: string;
  textContent: string | undefined;
  type: string;
  value: string;
  onchange: (() => void) | null;
  onclick: ((event?: KeyEvent) => boolean | undefined) | null;
  onerror: (() => void) | null;
  onload: (() => void) | null;
  onmousedown: (() => boolean) | null;
  onkeydown: ((event: KeyEvent | undefined) => boolean | undefined) | null;
  onmousedown: (() => boolean) | null;
  onscroll: (() => void) | null;
  onsubmit: (() => boolean | undefined) | null;
  appendChild<Kind extends TreeNode>(node: Kind): Kind;
  focus(): void;
  getAttribute(name: string): string | null;
  getAttributeNode(name: string): { nodeValue: string } | null;
  getBoundingClientRect(): { bottom: number; top: number };
  getElementsByTagName(tag: string): List<PageElement>;
  insertBefore<Kind extends TreeNode>(node: Kind, before: TreeNode | null): Kind;
  removeAttribute(name: string): void;
  removeChild(node: TreeNode): void;
  setAttribute(name: string, value: string): void;
  submit(): void;
  // [IE5–10] Events, behaviors, and what "userData" adds.
  attachEvent(name: "onload", run: () => void): void;
  addBehavior: ((url: string) => void) | undefined;
  XMLDocument: { documentElement: { attributes: List<{ nodeName: string }> } };
  load(name: string): void;
  save(name: string): void;
}

interface KeyEvent {
  keyCode: number;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean | undefined;
  shiftKey: boolean;
  /** [IE6–8] `srcElement` instead of `target`. */
  srcElement: PageElement | undefined;
  target: PageElement | undefined;
}

interface PageDocument {
  /** [Firefox 3] */
  activeElement: PageElement | null | undefined;
  body: PageElement;
  documentElement: PageElement;
  title: string;
  /** [IE8] */
  documentMode: number | undefined;
  hidden: boolean | undefined;
  onkeydown: ((event: KeyEvent | undefined) => boolean | undefined) | null;
  close(): void;
  createElement(tag: string): PageElement;
  createTextNode(text: string): TreeNode;
  getElementById(id: string): PageElement | null;
  getElementsByTagName(tag: string): List<PageElement>;
  open(): void;
  write(markup: string): void;
}

interface TextStorage {
  length: number;
  getItem(key: string): string | null;
  key(index: number): string | null;
  removeItem(key: string): void;
  setItem(key: string, text: string): void;
}

interface OldAudioNode {
  connect(to: OldAudioNode): void;
}

interface OldAudioContext {
  currentTime: number;
  destination: OldAudioNode;
  resume: (() => void) | undefined;
  createGain(): OldAudioNode & { gain: { value: number } };
  createOscillator(): OldAudioNode & {
    frequency: { value: number };
    start(at: number): void;
    stop(at: number): void;
  };
}

interface PageWindow {
  confirm(text: string): boolean;
  /** [Chrome 35, Firefox 25] */
  AudioContext: (new () => OldAudioContext) | undefined;
  webkitAudioContext: (new () => OldAudioContext) | undefined;
  /** [Chrome 22, Firefox 22] */
  Notification:
    | {
        new (title: string, options: { body: string; tag: string }): unknown;
        requestPermission: ((done: (permission: string) => void) => void) | undefined;
      }
    | undefined;
  event: KeyEvent;
  localStorage: TextStorage | undefined;
  sessionStorage: TextStorage | undefined;
  onblur: (() => void) | null;
  onfocus: (() => void) | null;
  onload: (() => void) | null;
  ononline: (() => void) | null;
  onpagehide: (() => void) | null | undefined;
  onpageshow: ((event: { persisted: boolean }) => void) | null;
  onresize: (() => void) | null;
  onstorage: ((event: { key: string | null } | undefined) => void) | null;
  onunload: (() => void) | null;
}

declare const document: PageDocument;
declare const location: { href: string; hash: string };
declare const window: PageWindow;

declare class XMLHttpRequest {
  onreadystatechange: () => void;
  readyState: number;
  responseText: string;
  status: number;
  abort(): void;
  getResponseHeader(name: string): string | null;
  open(method: string, url: string, isAsync: boolean): void;
  send(body: string | null): void;
  setRequestHeader(name: string, value: string): void;
}
declare const ActiveXObject: {
  new (name: "Microsoft.XMLHTTP"): XMLHttpRequest;
  new (name: "htmlfile"): PageDocument & { parentWindow: { [name: string]: unknown } };
};
