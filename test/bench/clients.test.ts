import { afterAll, beforeAll, describe, expect } from "@jest/globals";
import type { Browser } from "playwright-core";
import { recordClients } from "../../bench/clients/recordings.ts";
import { type ClientName, compile, readTemplates, type Templates } from "../../bench/clients/templates.ts";
import { openSite, type TestNode, type TestSite } from "../support/app.ts";
import { browserTest, openBrowser } from "../support/browser.ts";

const except = { Firefox: "the bench sends Chromium's requests", WebKit: "the bench sends Chromium's requests" };

/** A page sits down within 30 s, and a stream is first confirmed after 20 s. */
const PATIENCE_MS = 120_000;

let site: TestSite;
let browser: Browser | undefined;
let recorded: { [name in ClientName]: Templates } | undefined;

beforeAll(async () => {
  site = await openSite();
  browser = await openBrowser();
  if (browser) recorded = await recordClients((site.nodes[0] as TestNode).url, browser);
}, PATIENCE_MS);

afterAll(async () => {
  await browser?.close();
  await site.close();
});

describe("the requests that the bench sends are those of the real clients", () => {
  for (const client of ["page", "npm"] as const) {
    const templates = readTemplates(client);
    for (const name of Object.keys(templates))
      browserTest(`${client}: ${name}`, { except }, () => expect(recorded?.[client][name]).toBe(templates[name]));

    browserTest(`${client}: there are no others`, { except }, () => {
      expect(Object.keys(recorded?.[client] ?? {})).toEqual(Object.keys(templates));
    });

    browserTest(`${client}: each has the right content-length once it is filled in`, { except }, () => {
      for (const text of Object.values(templates)) {
        const names = [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name as string);
        const [head = "", body = ""] = compile(
          text,
          Object.fromEntries(names.filter((name) => name !== "length").map((name) => [name, "日本"])),
        )().split("\r\n\r\n");
        const length = /^content-length: (\d+)$/im.exec(head)?.[1];
        expect(Number(length ?? 0)).toBe(Buffer.byteLength(body));
      }
    });
  }
});
