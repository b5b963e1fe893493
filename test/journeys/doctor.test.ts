import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { openSite, type TestSite } from "../support/app.ts";
import { browserTest, openBrowser } from "../support/browser.ts";
import { type Explorers, explorerTest, openExplorers } from "../support/internet-explorer.ts";
import { hasNginx, startNginx } from "../support/nginx.ts";
import { until } from "../support/until.ts";

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

/** Opens the doctor and waits until it has said its sentence; what takes a minute goes on. */
async function consult(base: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 390, height: 844 }, ...options });
  const page = await context.newPage();
  await page.goto(`${base}/doctor`);
  await page.waitForSelector("#report-box", { state: "visible", timeout: 40_000 });
  return page;
}

const textOf = async (page: Page, selector: string) => (await page.textContent(selector)) ?? "";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds against WCAG 2.2 AA, as rule and element. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  return page.evaluate(async (rules) => {
    type Axe = { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run({ runOnly: rules });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  }, runOnly);
}

describe("the doctor's page", () => {
  browserTest(
    "says that all is fine where it is, and shows no remedies",
    async () => {
      const page = await consult(url, { locale: "ja-JP" });
      expect(await textOf(page, "#sentence")).toBe("問題ありません。発言はすぐに届きます。");
      expect(await page.isVisible("#operator")).toBe(false);
      expect(JSON.parse(await page.inputValue("#report"))).toMatchObject({
        doctor: 1,
        by: "page",
        diagnosis: { grade: 0, faults: [] },
      });
      await page.context().close();
    },
    60_000,
  );
});

const nginxTest = hasNginx ? browserTest : test.skip;

describe("behind an nginx that holds streams back, the doctor's page", () => {
  nginxTest(
    "says so, that chattera polls and works, and gives nginx's lines against it",
    async () => {
      const nginx = await startNginx(url, "proxy_ignore_headers X-Accel-Buffering; gzip on; gzip_types *;");
      try {
        const page = await consult(nginx.url, { colorScheme: "dark" });
        expect(await textOf(page, "#sentence")).toContain("long polling");
        expect(await textOf(page, "#outcome-eventStream")).toBe("held back until it ended / compressed on the way");
        expect(await textOf(page, "#remedy-streams")).toContain("proxy_buffering off;");
        expect(await page.isVisible("#remedy-post")).toBe(false);
        expect(await faults(page)).toEqual([]);
        await page.context().close();
      } finally {
        await nginx.close();
      }
    },
    60_000,
  );
});

describe("in Internet Explorer 7 the doctor's page", () => {
  let explorers: Explorers;
  beforeAll(async () => {
    explorers = (await openExplorers()) as Explorers;
  }, 120_000);
  afterAll(() => explorers?.close());

  explorerTest(
    "says that streams cannot be seen there, and that chattera works",
    async () => {
      const explorer = await explorers.start("7");
      await explorer.open(`${url}/doctor`);
      // its script runs beside us: each thing is awaited
      const says = (selector: string, text: string) =>
        until(`${selector} says ${text}`, async () => (await explorer.see(selector))[0]?.text?.includes(text), 60_000);
      await says("#sentence", "long polling");
      await says("#outcome-reach", "OK");
      await says("#outcome-eventStream", "this browser cannot show it");
      const value = () => explorer.run('return document.getElementById("report").value');
      const report = JSON.parse(
        await until("there is a report", async () => ((await value()).includes("{") ? value() : undefined)),
      );
      expect(report).toMatchObject({ by: "page", diagnosis: { sentence: "unseen", faults: [] } });
      expect(await explorer.errors()).toEqual([]);
      await explorer.close();
    },
    90_000,
  );
});
