import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { Page } from "playwright-core";
import type { Running } from "../networks/rig/network.ts";
import { openProxy, type ProxyAnswer } from "../networks/rig/proxy.ts";

/** A site whose rooms' pages run the program for old browsers, in every browser. */
export type OldSite = Running & {
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  /** Works again. */
  pass(): void;
};

/** Opens a proxy to a site that changes pages as a browser without modules would read them. */
export async function openOldSite(target: string): Promise<OldSite> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const proxy = await openProxy(target, async (asked, pass) => {
    const { method, path, headers, near } = asked;
    if (isCut) throw new Error("cut");
    if (!sockets.has(near)) near.once("close", () => sockets.delete(near));
    sockets.add(near);
    if (method !== "GET" || !/^\/rooms\/[^/]*$/.test(path)) return pass(asked);
    return withoutModules(await pass({ ...asked, headers: { ...headers, "accept-encoding": "identity" } }));
  });
  return {
    ...proxy,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    pass() {
      isCut = false;
    },
  };
}

async function withoutModules({ status, headers, body }: ProxyAnswer): Promise<ProxyAnswer> {
  if (status !== 200) return { status, headers, body };
  const page = await text(body);
  const changed = page.replace(/<script type="module"[^>]*><\/script>/, "").replace(" nomodule", "");
  if (changed.length >= page.length - " nomodule".length) throw new Error("the page names its scripts in another way");
  const { "content-length": _ofTheOther, ...others } = headers;
  return { status, headers: others, body: Readable.from([Buffer.from(changed)]) };
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
