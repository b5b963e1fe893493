import { createHash } from "node:crypto";
import { COLORS } from "../protocol/limits.ts";

/** The colors that a theme can name, as `#rrggbb`. */
type Named = { paper: string; sheet: string; ink: string; accent: string };

/** The colors of the pages in one scheme, by the names of the style sheet's properties. */
export type Palette = { [property: string]: string };

/**
 * The colors of the site in both schemes. Without `style`, they are those of the style sheet.
 * `inScheme` is the style in one scheme, whatever the browser prefers.
 */
export type Theme = {
  light: Palette;
  dark: Palette;
  style: ThemeStyle | undefined;
  inScheme: { light: ThemeStyle | undefined; dark: ThemeStyle | undefined };
};

/** A style sheet with the site's own colors. Its name changes with its content. */
export type ThemeStyle = { file: string; text: string };

/** A scheme: its own colors, those of client/ui/palette.css, and the colors of nicknames in it. */
type Scheme = { named: Named; fixed: Palette; members: string[] };

const LIGHT: Scheme = {
  named: { paper: "#f6f0e4", sheet: "#fffdf8", ink: "#2b2521", accent: "#b23a2a" },
  fixed: { warn: "#8f2a1c" },
  members: COLORS,
};

const DARK: Scheme = {
  named: { paper: "#191613", sheet: "#221e1a", ink: "#ece4d8", accent: "#e5806a" },
  fixed: { warn: "#ffb4a4" },
  members: ["#ff9a8d", "#f2a968", "#d6c65c", "#93d07f", "#62cfd2", "#93baff", "#bfaeff", "#f39ad3"],
};

/** [WCAG 2.2, 1.4.3 and 1.4.11] The least contrast of text, and of the edge of a field. */
const TEXT_CONTRAST = 4.5;
const EDGE_CONTRAST = 3;

/**
 * Reads the colors of the light or the dark scheme, `name=#rrggbb` each. Returns the palette, or
 * `undefined` without any. Throws an Error with one sentence if a color cannot be read, or if text
 * in these colors could not.
 */
export function readPalette(entries: string[], scheme: "light" | "dark"): Palette | undefined {
  if (entries.length === 0) return undefined;
  const { named, fixed, members } = scheme === "light" ? LIGHT : DARK;
  const own: Partial<Named> = {};
  for (const entry of entries) {
    const [, name, color] = /^(paper|sheet|ink|accent)=(#[0-9a-f]{6})$/.exec(entry.toLowerCase()) ?? [];
    if (name === undefined || color === undefined)
      throw new Error(`${JSON.stringify(entry)} is not paper, sheet, ink or accent with a color, like accent=#0b57d0`);
    if (name in own) throw new Error(`${name} has two colors`);
    own[name as keyof Named] = color;
  }
  const colors = { ...named, ...own };
  assertReadable(colors, [...members, ...Object.values(fixed)]);
  return derived(colors);
}

/** Returns the theme of a site from the palettes that were set. */
export function themeOf(light: Palette | undefined, dark: Palette | undefined): Theme {
  const [ofLight, ofDark] = [cssOf(light), cssOf(dark)];
  return {
    light: light ?? LIGHT.named,
    dark: dark ?? DARK.named,
    style: styleOf(preferring("light", ofLight) + preferring("dark", ofDark)),
    inScheme: { light: styleOf(ofLight), dark: styleOf(ofDark) },
  };
}

function styleOf(text: string): ThemeStyle | undefined {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 10);
  return text === "" ? undefined : { file: `theme-${hash}.css`, text };
}

/** Returns the contrast of two colors, from 1 to 21 [WCAG 2.2, contrast ratio]. */
export function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/**
 * Texts are on the paper, on the sheet, and on lines that are marked. The accent is a link's color
 * and a button's ground.
 */
function assertReadable({ paper, sheet, ink, accent }: Named, others: string[]): void {
  for (const [ground, on] of [
    ["paper", paper],
    ["sheet", sheet],
    ["marked lines", tintOf(accent, sheet)],
  ] as const) {
    assertContrast(`ink ${ink}`, ink, { ground, on });
    assertContrast(`accent ${accent}`, accent, { ground, on });
    for (const color of others) assertContrast(`the site's ${color}`, color, { ground, on });
  }
}

function assertContrast(what: string, color: string, { ground, on }: { ground: string; on: string }): void {
  const found = contrast(color, on);
  if (found >= TEXT_CONTRAST) return;
  const figure = (Math.floor(found * 100) / 100).toFixed(2);
  throw new Error(`${what} on ${ground} ${on} has a contrast of ${figure} : 1, and text needs ${TEXT_CONTRAST} : 1`);
}

/** The other colors lie between the four, as far from the ground as they have to. */
function derived({ paper, sheet, ink, accent }: Named): Palette {
  const least = (color: string) => Math.min(contrast(color, paper), contrast(color, sheet));
  const softened = (share: number, contrastMin: number): string => {
    const color = mixed(ink, paper, share);
    return share <= 0 || least(color) >= contrastMin ? color : softened(share - 0.05, contrastMin);
  };
  // On a color that is too light for white text, black has a contrast of 4.6 or more.
  const onAccent = ["#ffffff", "#16110f"].find((color) => contrast(color, accent) >= TEXT_CONTRAST) ?? "#000000";
  return {
    paper,
    sheet,
    ink,
    faint: softened(0.3, TEXT_CONTRAST + 0.5),
    line: mixed(ink, paper, 0.87),
    edge: softened(0.55, EDGE_CONTRAST + 0.2),
    seal: accent,
    "seal-deep": mixed(accent, onAccent === "#ffffff" ? "#000000" : "#ffffff", 0.18),
    "on-seal": onAccent,
    tint: tintOf(accent, sheet),
  };
}

/** Returns the ground of lines that are marked. */
function tintOf(accent: string, sheet: string): string {
  return mixed(accent, sheet, 0.94);
}

function cssOf(palette: Palette | undefined): string {
  if (palette === undefined) return "";
  const lines = Object.entries(palette).map(([name, color]) => `--${name}:${color};`);
  return `:root{${lines.join("")}}`;
}

function preferring(scheme: string, css: string): string {
  return css === "" ? "" : `@media (prefers-color-scheme:${scheme}){${css}}`;
}

/** Returns a color between two: `share` of the way to the other one. */
function mixed(one: string, other: string, share: number): string {
  const to = channels(other);
  const parts = channels(one).map((value, n) => Math.round(value + ((to[n] as number) - value) * share));
  return `#${parts.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = channels(color)
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function channels(color: string): number[] {
  return [1, 3, 5].map((start) => Number.parseInt(color.slice(start, start + 2), 16));
}
