import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import type { Running } from "../networks/rig/network.ts";
import { openProxy } from "../networks/rig/proxy.ts";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { addScript } from "../support/change-pages.ts";
import { useSite } from "../support/use-site.ts";

// Services that private windows, extensions, policies and embedding programs take away.

const browser = useBrowser();
const site = useSite();

const ABSENT = `
  for (const name of ["BroadcastChannel", "SharedWorker", "Notification", "AudioContext", "webkitAudioContext",
      "EventSource", "ResizeObserver", "IntersectionObserver", "visualViewport"])
    delete window[name];
  delete Intl.Segmenter;
  for (const name of ["locks", "clipboard", "serviceWorker", "share", "setAppBadge", "onLine", "connection", "storage",
      "sendBeacon", "userAgent"])
    Object.defineProperty(Navigator.prototype, name, { value: undefined, configurable: true });
`;

const THROWING = `
  const refuse = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };
  const withhold = (owner, name) => Object.defineProperty(owner, name, { get: refuse, configurable: true });
  for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches", "Notification", "SharedWorker", "opener",
      "visualViewport"])
    withhold(window, name);
  for (const name of ["locks", "clipboard", "serviceWorker", "share", "onLine", "connection", "storage", "sendBeacon",
      "userAgent"])
    withhold(Navigator.prototype, name);
  for (const name of ["hidden", "visibilityState", "cookie"]) withhold(Document.prototype, name);
  for (const name of ["BroadcastChannel", "EventSource", "AudioContext", "Audio", "ResizeObserver",
      "IntersectionObserver"])
    window[name] = function () { refuse(); };
  document.hasFocus = refuse;
  window.matchMedia = refuse;
  performance.getEntriesByType = refuse;
  history.replaceState = history.pushState = refuse;
`;

const UNNAMEABLE = `
  const refuse = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };
  for (const name of ["BroadcastChannel", "EventSource", "AudioContext", "Audio", "ResizeObserver",
      "IntersectionObserver"])
    Object.defineProperty(window, name, { get: refuse, configurable: true });
`;

for (const [what, script] of [
  ["are absent", ABSENT],
  ["throw", THROWING],
  ["throw when named", UNNAMEABLE],
] as const)
  describe(`where services of the browser ${what}, a person`, () => {
    let network: Running;
    beforeAll(async () => {
      network = await openProxy(site.url, addScript(`(() => {${script}})()`));
    });
    afterAll(() => network.close());

    browserTest(
      "enters, reads and talks",
      async () => {
        const ben = await person(site.url, `Ben ${what}`);
        const ann = await browser.sit(network.url, `Ann ${what}`);
        await say(site.url, ben, `of others, ${what}`);
        await ann.sees(`of others, ${what}`);
        await ann.say(`of one's own, ${what}`);
        await ann.sees(`of one's own, ${what}`);
        await ann.is("live");
        expect(await ann.page.locator("#log .pending").count()).toBe(0);
        await ann.page.context().close();
      },
      60_000,
    );
  });
