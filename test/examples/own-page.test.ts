import { afterAll, beforeAll, expect } from "@jest/globals";
import { openSite, type TestSite } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { endExamples, runExample } from "../support/example.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";

const browser = useBrowser();
let site: TestSite;
let pageUrl: string;

beforeAll(async () => {
  const port = await freePort();
  pageUrl = `http://localhost:${port}`;
  site = await openSite({ origins: [pageUrl] });
  const server = runExample("own-page/server.js", [], { SITE: site.nodes[0]?.url ?? "", PORT: String(port) });
  await until("the page's server listens", () => server.printed().includes(pageUrl));
});
afterAll(async () => {
  await endExamples();
  await site.close();
});

browserTest("a visitor of the page reads the room of another origin, and sends to it", async () => {
  const page = await browser.newPage();
  await page.goto(pageUrl);
  await page.fill("[name=nickname]", "Ann");
  await page.fill("[name=text]", "hello");
  await page.click("button");
  await page.waitForSelector("#log li");
  expect(await page.textContent("#log")).toBe("Ann: hello");
});
