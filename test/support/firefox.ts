import { type Browser, type BrowserContext, type BrowserContextOptions, firefox } from "playwright-core";
import { programsOf } from "./engines.ts";

/** A running Firefox. */
export type Firefox = {
  newContext(options: BrowserContextOptions): Promise<BrowserContext>;
  close(): Promise<void>;
};

/** Firefox runs without a screen and a mouse. This is a mouse that can hover (2 + 4). */
const MOUSE = 6;

/** Starts Firefox, over WebDriver BiDi. A dark color scheme is that of a whole browser. */
export function createFirefox(): Firefox {
  const browsers = new Map<"dark" | "light", Promise<Browser>>();
  return {
    newContext: async ({ colorScheme, ...options }) => {
      const scheme = colorScheme === "dark" ? "dark" : "light";
      const browser = browsers.get(scheme) ?? launch(scheme);
      browsers.set(scheme, browser);
      return (await browser).newContext(options);
    },
    close: async () => {
      for (const browser of browsers.values()) await (await browser).close();
    },
  };
}

function launch(scheme: "dark" | "light"): Promise<Browser> {
  return firefox.launch({
    // [playwright 1.64] The name of this channel selects WebDriver BiDi, which the system's Firefox
    // speaks.
    channel: "moz-firefox",
    executablePath: programsOf("Firefox")?.[0] as string,
    firefoxUserPrefs: {
      "ui.primaryPointerCapabilities": MOUSE,
      "ui.allPointerCapabilities": MOUSE,
      "layout.css.prefers-color-scheme.content-override": scheme === "dark" ? 0 : 1,
    },
  });
}
