import { expect } from "@jest/globals";
import type { Page } from "playwright-core";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

const TEXT =
  "http://a.example/x, http://user@evil.example/, https://paypaI.example/X http://b%61nk.example/ https://xn--pple-43d.com";

const LINKS = [
  ["http://a.example/x", "http://a.example/x"],
  ["https://paypai.example/X", "https://paypai.example/X"],
  ["https://xn--pple-43d.com/", "https://xn--pple-43d.com"],
];

/** Returns the addresses and texts of the links in the last message. */
function linksOf(page: Page): Promise<string[][]> {
  return page.evaluate(() => {
    const line = [...document.querySelectorAll("#log [data-seq]")].at(-1);
    const links = line?.querySelectorAll<HTMLAnchorElement>(".text a") ?? [];
    return [...links].map((link) => [link.href, link.textContent ?? ""]);
  });
}

browserTest(
  "links are the same on the server's page, from the script, and from the script for old browsers",
  async () => {
    const script = await (await browser.newContext()).newPage();
    const legacy = await (await browser.newContext()).newPage();
    await legacy.route(/\/rooms\/[^/]*$/, async (route) => {
      const response = await route.fetch();
      const body = (await response.text())
        .replace(/<script type="module"[^>]*><\/script>/, "")
        .replace(" nomodule", "");
      await route.fulfill({ response, body });
    });
    for (const page of [script, legacy]) {
      await page.goto(`${site.url}/rooms/lobby`);
      await page.waitForSelector('#connection[data-state="live"]');
    }
    const { event } = await say(site.url, await person(site.url, "Ann"), TEXT);
    for (const page of [script, legacy]) await page.waitForSelector(`#log [data-seq="${event.seq}"]`);
    const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
    await plain.goto(`${site.url}/rooms/lobby`);
    for (const page of [script, legacy, plain]) {
      expect(await linksOf(page)).toEqual(LINKS);
      await page.context().close();
    }
  },
);
