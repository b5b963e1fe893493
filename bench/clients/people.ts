import type { Browser, Page } from "playwright-core";

/** A person behind a real client, who reads a room. */
export type Seated = {
  /** Writes a message as a person does; not for watchers. */
  say(text: string): Promise<void>;
  /** Resolves once a message is shown. */
  sees(text: string): Promise<void>;
  close(): Promise<void>;
};

/**
 * The room at a site, the nickname of a member, and whether the network lets only polls through.
 */
export type Seat = { url: string; room: string; nickname?: string | undefined; isPolling: boolean };

/**
 * The page's memory of a network in which it has polled for a while. It tries a stream again in an
 * hour.
 */
const POLLS = { rung: 2, pingSeconds: 15, lifeMs: 600_000, holdSeconds: 25, climbMs: 3_600_000 };

const REACH_MS = 10_000;

/** Opens the room's page in Chromium and enters, if there is a nickname. */
export async function sitBeforePage(browser: Browser, { url, room, nickname, isPolling }: Seat): Promise<Seated> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const place = `${url}/rooms/${room}`;
  await page.goto(place);
  if (isPolling) {
    const network = (await page.getAttribute("#room", "data-network")) ?? "";
    const known = JSON.stringify({ [network]: { ...POLLS, climbAt: Date.now() + POLLS.climbMs } });
    await page.evaluate(`localStorage.setItem("chattera:network", ${JSON.stringify(known)})`);
    await page.goto(place);
  }
  if (nickname !== undefined) {
    await page.fill("#enter [name=nickname]", nickname);
    await page.press("#enter [name=nickname]", "Enter");
    await page.waitForSelector("#say");
  }
  await reachRung(page, isPolling ? "poll" : "sse");
  return {
    say: async (text) => {
      // A page signals the first key a moment later. No person is done by then.
      const signal = page.waitForRequest(/\/typing\b/);
      await page.fill("#say [name=text]", text);
      await signal;
      await page.press("#say [name=text]", "Enter");
    },
    sees: async (text) => {
      await page.waitForSelector(`#log [data-seq]:not(.pending) .text:text-is(${JSON.stringify(text)})`);
    },
    close: () => context.close(),
  };
}

/**
 * Waits until the page reads by this transport. A page that starts slowly may take the rung below,
 * so it begins again up to two times, as on an unknown network.
 */
async function reachRung(page: Page, transport: string): Promise<void> {
  const reached = `#connection[data-transport="${transport}"]`;
  for (const _again of [1, 2]) {
    const found = page.waitForSelector(reached, { state: "attached", timeout: REACH_MS });
    if (await found.catch(() => null)) return;
    await page.evaluate('localStorage.removeItem("chattera:network")');
    await page.reload();
  }
  await page.waitForSelector(reached, { state: "attached", timeout: REACH_MS });
}

/** The part of `chattera/client` that is used here. Its source has the types of browsers. */
type Connect = (url: string, options: { room: string; nickname?: string }) => Handle;
type Handle = {
  on(name: "event", listener: (event: { text?: string }) => void): void;
  ready: Promise<void>;
  send(text: string): Promise<unknown>;
  close(): void;
};

/**
 * Follows the room by the npm client, whose file is `client`. In Node it has one stream;
 * `isPolling`: the network cuts it.
 */
export async function sitBehindClient(client: string, { url, room, nickname }: Seat): Promise<Seated> {
  const { connect } = (await import(client)) as { connect: Connect };
  const handle = connect(url, { room, ...(nickname !== undefined && { nickname }) });
  const seen = new Set<string>();
  const waiting = new Set<() => void>();
  handle.on("event", ({ text }) => {
    if (text !== undefined) seen.add(text);
    for (const look of waiting) look();
  });
  await handle.ready;
  return {
    say: async (text) => void (await handle.send(text)),
    sees: (text) =>
      new Promise((resolve) => {
        const look = () => {
          if (!seen.has(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    close: async () => handle.close(),
  };
}

/** Requests that a network refuses in which only polls pass. */
export const STREAMS = /^GET \S*\/api\/(events|stream)\b/;
