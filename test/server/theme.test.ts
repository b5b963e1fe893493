import { describe, expect, test } from "@jest/globals";
import request from "supertest";
import { readEnvironment, readOptions } from "../../server/config.ts";
import { contrast, readPalette, themeOf } from "../../server/theme.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite({
  themeLight: ["accent=#0b57d0", "paper=#eef2f7"],
  siteName: "Tea & Talk",
  siteDescription: "A room for tea.",
  siteRules: "Be kind.\nSee https://example.org/rules <now>.",
  language: "ja",
});

describe("the colors of a site", () => {
  test("have the contrasts of WCAG", () => {
    expect(contrast("#ffffff", "#000000")).toBe(21);
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  });

  test.each(["light", "dark"] as const)("are readable as the style sheet has them by default: %s", (scheme) => {
    const accent = scheme === "light" ? "accent=#b23a2a" : "accent=#e5806a";
    expect(() => readPalette([accent], scheme)).not.toThrow();
  });

  test("follow from the four that are named, and stay readable", () => {
    for (const [scheme, ...entries] of [
      ["light", "accent=#0b57d0"],
      ["light", "paper=#ffffff", "sheet=#ffffff", "ink=#000000", "accent=#000000"],
      ["dark", "paper=#000000", "sheet=#000000", "accent=#797979"],
    ] as const) {
      const palette = readPalette([...entries], scheme) as { [name: string]: string };
      const on = (name: string, ground: string) => contrast(palette[name] as string, palette[ground] as string);
      for (const ground of ["paper", "sheet"]) {
        expect(on("faint", ground)).toBeGreaterThanOrEqual(4.5);
        expect(on("edge", ground)).toBeGreaterThanOrEqual(3);
        expect(on("seal", ground)).toBeGreaterThanOrEqual(4.5);
      }
      expect(on("on-seal", "seal")).toBeGreaterThanOrEqual(4.5);
    }
  });

  test.each([
    ["accent=#ffcc00", "accent #ffcc00 on paper #f6f0e4 has a contrast of 1.33 : 1, and text needs 4.5 : 1"],
    ["paper=#888888", "ink #2b2521 on paper #888888 has a contrast of"],
    ["paper=#c8d8ff", "on paper #c8d8ff has a contrast of"],
    ["accent=blue", '"accent=blue" is not paper, sheet, ink or accent with a color'],
    ["paper=#ffffff sheet=#ffffff accent=#757575", "accent #757575 on marked lines #f7f7f7 has a contrast of 4.3"],
    ["accent=#0b57d0 accent=#111111", "accent has two colors"],
    ["button=#0b57d0", '"button=#0b57d0" is not paper, sheet, ink or accent with a color'],
  ])("%s ends the start with one sentence", (entry, sentence) => {
    expect(() => readEnvironment({ CHATTERA_THEME_LIGHT: entry })).toThrow(sentence);
    expect(() => readOptions({ databaseUrl: "postgres://db", themeLight: entry.split(" ") })).toThrow(
      /^themeLight: [^;]*$/,
    );
  });

  test("are read in capitals, too", () => {
    expect(readPalette(["ACCENT=#0B57D0"], "light")?.seal).toBe("#0b57d0");
    expect(() => readPalette(["Accent=#FFCC00"], "light")).toThrow("accent #ffcc00 on paper");
  });

  test("are checked against the dark page where they are for the dark", () => {
    expect(() => readEnvironment({ CHATTERA_THEME_DARK: "accent=#0b57d0" })).toThrow("accent #0b57d0 on paper #191613");
    expect(readEnvironment({ CHATTERA_THEME_DARK: "accent=#9cc0ee" }).themeDark?.seal).toBe("#9cc0ee");
  });

  test("are a style sheet under a name of its own, and the browser's bars have them", async () => {
    const { text } = await request(site.url).get("/");
    const path = /href="(\/assets\/theme-\w+\.css)"/.exec(text)?.[1] as string;
    const style = await request(site.url).get(path).expect(200);
    expect(style.headers["content-type"]).toBe("text/css; charset=utf-8");
    expect(style.headers["cache-control"]).toBe("max-age=31536000,immutable");
    expect(style.text).toMatch(/^@media \(prefers-color-scheme:light\)\{:root\{--paper:#eef2f7;.*--seal:#0b57d0;/);
    expect(text).toContain('<meta name="theme-color" content="#eef2f7" media="(prefers-color-scheme: light)">');
    expect(themeOf(undefined, undefined).style).toBeUndefined();
  });
});

describe("a site's own words", () => {
  test.each([" ", "　", "\u00a0\u0301", "a\nb", ""])("need a name that is seen: %j", (siteName) => {
    expect(() => readOptions({ databaseUrl: "postgres://db", siteName })).toThrow("siteName: must be one line");
  });

  test("are on its pages: name, description, rules with links, and its language", async () => {
    const { text } = await request(site.url).get("/").set("accept-language", "fr").expect(200);
    expect(text).toContain('<html lang="ja">');
    expect(text).toContain("<title>Tea &amp; Talk</title>");
    expect(text).toContain("<h1>Tea &amp; Talk</h1>");
    expect(text).toContain('<p class="tagline">A room for tea.</p>');
    expect(text).toContain('<meta name="description" content="A room for tea.">');
    expect(text).toMatch(/Be kind\.\nSee <a href="https:\/\/example\.org\/rules"[^>]*>[^<]*<\/a> &lt;now&gt;\./);
    const english = await request(site.url).get("/rooms/lobby").set("accept-language", "en").expect(200);
    expect(english.text).toContain("<title>Lobby — Tea &amp; Talk</title>");
    expect(english.text).not.toContain(">chattera<");
  });

  test("are in the manifest, under the base path of the request", async () => {
    const { body, headers } = await request(site.url)
      .get("/manifest.webmanifest")
      .buffer(true)
      .parse((response, done) => {
        let text = "";
        response.on("data", (part) => (text += part));
        response.on("end", () => done(null, JSON.parse(text)));
      });
    expect(headers["content-type"]).toBe("application/manifest+json; charset=utf-8");
    expect(body).toMatchObject({
      name: "Tea & Talk",
      start_url: "/",
      scope: "/",
      display: "standalone",
      theme_color: "#eef2f7",
    });
    for (const { src, type } of body.icons as { src: string; type: string }[]) {
      const icon = await request(site.url).get(src).expect(200);
      expect(icon.headers["content-type"]).toContain(type);
    }
    expect(
      (body.icons as { sizes: string; purpose?: string }[]).map(({ sizes, purpose }) => `${sizes} ${purpose}`),
    ).toEqual(["any undefined", "192x192 undefined", "512x512 undefined", "512x512 maskable"]);
  });
});
