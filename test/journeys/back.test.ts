import type { IncomingMessage, ServerResponse } from "node:http";
import { beforeAll, describe, expect } from "@jest/globals";
import { browserTest, useBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();
/** Reading requests that are open at the server. */
const held = new Set<ServerResponse>();

beforeAll(() => {
  site.node.server.prependListener("request", (request: IncomingMessage, response: ServerResponse) => {
    if (!/^\/api\/(events|stream|poll)/.test(request.url ?? "")) return;
    held.add(response);
    response.once("close", () => held.delete(response));
  });
});

describe("a person who leaves the page and comes back by the browser's button, again and again,", () => {
  browserTest(
    "holds one connection, and reads and sends as before",
    async () => {
      const ann = await browser.sit(site.url, "Returner");
      await ann.page.waitForSelector('#connection[data-transport="sse"]');
      for (let n = 0; n < 7; n += 1) {
        await ann.page.goto(`${site.url}/`);
        await ann.page.goBack();
        await ann.is("live");
        await ann.say(`back ${n}`);
        await ann.sees(`back ${n}`);
      }
      await ann.page.waitForSelector('#connection[data-transport="sse"]');
      await until("one connection is left", () => held.size <= 1, 20_000);
      const texts = (await ann.wholeLog()).texts.filter((text) => text.startsWith("back"));
      expect(texts).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => `back ${n}`));
      await ann.page.context().close();
    },
    90_000,
  );
});
