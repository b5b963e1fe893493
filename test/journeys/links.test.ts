import { afterAll, beforeAll, expect } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { openSite, person, say, type TestSite } from "../support/app.ts";
import { browserTest, openBrowser } from "../support/browser.ts";

let site: TestSite;
let url: string;
let browser: Browser;

beforeAll(async () => {
  site = await openSite();
  url = site.nodes[0]?.url as string;
  browser = (await openBrowser()) as Browser;
}, 30_000);

afterAll(async () => {
  await browser?.close();
  await site.close();
});

const TEXT =
  "http://a.example/x, http://user@evil.example/, https://paypaI.example/X http://b%61nk.example/ https://xn--pple-43d.com";

const LINKS = [
  ["http://a.example/x", "http://a.example/x"],
  ["https://paypai.example/X", "https://paypai.example/X"],
  ["https://xn--pple-43d.com/", "https://xn--pple-43d.com"],
];

/** Where the links of the last message go, and what they show. */
function linksOf(page: Page): Promise<string[][]> {
  return page.evaluate(() => {
    const line = [...document.querySelectorAll("#log [data-seq]")].at(-1);
    const links = line?.querySelectorAll<HTMLAnchorElement>(".text a") ?? [];
    return [...links].map((link) => [link.href, link.textContent ?? ""]);
  });
}

browserTest("links are the same on the server's page, by the script and by the script for old browsers", async () => {
  const script = await (await browser.newContext()).newPage();
  const legacy = await (await browser.newContext()).newPage();
  await legacy.route(/\/rooms\/[^/]*$/, async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace(/<script type="module"[^>]*><\/script>/, "").replace(" nomodule", "");
    await route.fulfill({ response, body });
  });
  for (const page of [script, legacy]) {
    await page.goto(`${url}/rooms/lobby`);
    await page.waitForSelector('#connection[data-state="live"]');
  }
  const { event } = await say(url, await person(url, "Ann"), TEXT);
  for (const page of [script, legacy]) await page.waitForSelector(`#log [data-seq="${event.seq}"]`);
  const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await plain.goto(`${url}/rooms/lobby`);
  for (const page of [script, legacy, plain]) {
    expect(await linksOf(page)).toEqual(LINKS);
    await page.context().close();
  }
});
