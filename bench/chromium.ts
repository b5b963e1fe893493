import { type Browser, chromium } from "playwright-core";

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"];

/**
 * Starts a Chromium, without windows or on an X display. CHROMIUM names another than Debian's.
 * Without windows, Chromium reports when it has shown an answer to a key up to seconds late.
 */
export function openChromium(display?: string): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ARGUMENTS,
    ...(display !== undefined && { headless: false, env: { ...process.env, DISPLAY: display } }),
  });
}
