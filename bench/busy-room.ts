import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { createRoom, openSpeaker, type Speaker } from "../test/networks/rig/speaker.ts";
import { openRelay, type Relay } from "./relay.ts";
import { freePort } from "./systems/free-port.ts";
import { runProgram } from "./systems/program.ts";

/** A site without limits, and its own database in a temporary folder. */
export type BusySite = { url: string; port: number; close(): Promise<void> };

/** A page that shows a room whose list is full, and the people who talk there. */
export type BusyRoom = { page: Page; relay: Relay; say(n: number): Promise<void>; close(): Promise<void> };

/** More messages than a page shows. */
const FULL = 520;
const SPEAKERS = 8;

/** Starts a site, of this build or of another `cli.js`. */
export async function startBusySite(cli: string | undefined): Promise<BusySite> {
  const server = cli ?? fileURLToPath(new URL("../dist/server/process/cli.js", import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), "chattera-busy-room-"));
  await chmod(folder, 0o755); // For root's PostgreSQL, which runs as another user
  const port = await freePort();
  const program = runProgram(undefined, [process.execPath, server, "serve"], {
    ...process.env,
    DATABASE_URL: "",
    DATA_DIR: join(folder, "data"),
    HOST: "127.0.0.1",
    PORT: `${port}`,
    LOG_LEVEL: "info",
    CHATTERA_LIMITS: "off",
  });
  await program.said(/"url":"([^"]+)"/);
  const close = async () => {
    await program.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { url: `http://127.0.0.1:${port}`, port, close };
}

/** Opens a room on a page of `context`, behind a relay, enters it and fills its list. */
export async function openBusyRoom(site: BusySite, context: BrowserContext, room: string): Promise<BusyRoom> {
  await createRoom(site.url, room);
  const relay = await openRelay(site.port);
  const speakers = await Promise.all(
    Array.from({ length: SPEAKERS }, (_, n) => openSpeaker(site.url, room, `speaker${n}`)),
  );
  const say = (n: number) => {
    const speaker = speakers[Math.abs(n) % SPEAKERS] as Speaker;
    return speaker.say(`message ${n} of a busy room, as long as people write`);
  };
  const page = await context.newPage();
  await page.goto(`${relay.url}/rooms/${room}`);
  await page.fill("#enter [name=nickname]", "Reader");
  await page.click("#enter button");
  await page.waitForSelector("#say");
  await page.waitForSelector('#connection[data-state="live"]', { timeout: 30_000 });
  for (let n = 0; n < FULL; n += 40) await Promise.all(Array.from({ length: 40 }, (_, i) => say(-n - i - 1)));
  await page.waitForFunction(() => document.querySelectorAll("#log [data-seq]").length >= 500, undefined, {
    timeout: 60_000,
  });
  await sleep(1_500);
  const close = async () => {
    for (const speaker of speakers) speaker.close();
    await context.close();
    relay.close();
  };
  return { page, relay, say, close };
}
