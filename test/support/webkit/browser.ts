import type { BrowserContext, BrowserContextOptions } from "playwright-core";
import { contextOf } from "./page.ts";
import { type Display, startDisplay, startSession, type WebKitSession } from "./start.ts";

/** WebKitGTK. Each context is a browser of its own, on a display that they share. */
export type WebKit = {
  newContext(options: BrowserContextOptions): Promise<BrowserContext>;
  close(): Promise<void>;
};

/** Returns a WebKit of which nothing runs before its first context. */
export function createWebKit(): WebKit {
  let display: Promise<Display> | undefined;
  const sessions = new Set<WebKitSession>();
  return {
    newContext: async (options) => {
      display ??= startDisplay();
      const session = await startSession(await display, options);
      sessions.add(session);
      const close = () => {
        sessions.delete(session);
        return session.close();
      };
      return contextOf({ ...session, close }, options);
    },
    close: async () => {
      for (const session of sessions) await session.close();
      await (await display)?.close();
    },
  };
}
