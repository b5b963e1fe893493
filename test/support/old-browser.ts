import type { Page } from "playwright-core";
import type { Running } from "../networks/rig/network.ts";
import { type Misbehaviour, openProxy } from "../networks/rig/proxy.ts";
import { changePages } from "./change-pages.ts";
import { type CutOff, createCutOff } from "./cut-off.ts";

/** A site whose rooms' pages run the program for old browsers, in every browser. */
export type OldSite = Running & Pick<CutOff, "cut" | "pass">;

/**
 * Opens a proxy to a site that changes pages as a browser without modules would read them.
 * `misbehaviors` are nearer to the browser.
 */
export async function openOldSite(target: string, ...misbehaviors: Misbehaviour[]): Promise<OldSite> {
  const { misbehave, cut, pass } = createCutOff();
  const proxy = await openProxy(target, ...misbehaviors, misbehave, (asked, passOn) =>
    asked.method === "GET" && /^\/rooms\/[^/]*(\/\d+)?$/.test(asked.path) ? readAsOld(asked, passOn) : passOn(asked),
  );
  return { ...proxy, cut, pass };
}

const readAsOld = changePages(withoutModules, ({ status }) => status === 200);

/** Removes the script for other browsers from a page. */
function withoutModules(page: string): string {
  const changed = page.replace(/<script type="module"[^>]*><\/script>/, "").replace(" nomodule", "");
  if (changed.length >= page.length - " nomodule".length) throw new Error("the page names its scripts in another way");
  return changed;
}

/** Opens a room and waits until its program is connected. */
export async function openOldRoom(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.waitForSelector('#connection[data-state="live"]');
}

/** Enters a room as a person does. */
export async function enterOldRoom(page: Page, url: string, nickname: string): Promise<void> {
  await openOldRoom(page, url);
  await page.fill("#enter [name=nickname]", nickname);
  await page.press("#enter [name=nickname]", "Enter");
  await page.waitForSelector("#say");
}
