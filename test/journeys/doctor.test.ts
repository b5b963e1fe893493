import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { BrowserContextOptions, Page } from "playwright-core";
import { browserTest, useBrowser } from "../support/browser.ts";
import { type Explorers, explorerTest, openExplorers } from "../support/internet-explorer.ts";
import { hasNginx, startNginx } from "../support/nginx.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

/** Opens the doctor and waits for its sentence. The tests that take a minute continue. */
async function consult(base: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 390, height: 844 }, ...options });
  const page = await context.newPage();
  await page.goto(`${base}/doctor`);
  await page.waitForSelector("#report-box", { state: "visible", timeout: 40_000 });
  return page;
}

const textOf = async (page: Page, selector: string) => (await page.textContent(selector)) ?? "";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Returns the violations of WCAG 2.2 AA that axe finds, as rule and element. */
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
    "says that everything works if it does, and shows no remedies",
    async () => {
      const page = await consult(site.url, { locale: "ja-JP" });
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
    "says so, says that chattera works by polling, and shows the remedy for nginx",
    async () => {
      const nginx = await startNginx(site.url, "proxy_ignore_headers X-Accel-Buffering; gzip on; gzip_types *;");
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
    "says that this browser cannot read streams, and that chattera works",
    async () => {
      const explorer = await explorers.start("7");
      await explorer.open(`${site.url}/doctor`);
      // Its script runs concurrently, so everything is awaited.
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
