import { Session } from "node:inspector/promises";
import type { Page } from "playwright-core";

/** Returns the source files in which a function has run since the last call, or since the start. */
export type FilesRun = () => Promise<string[]>;

/** A script with the counts of V8, in this process or in a page. */
type Script = { url: string; functions: { ranges: { startOffset: number; count: number }[] }[] };

const EVERY_CALL = { callCount: true, detailed: false };

/** Watches which files of the server run in this process. Call `close` at the end. */
export async function watchProcess(): Promise<{ filesRun: FilesRun; close(): void }> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", EVERY_CALL);
  const filesRun = async () => {
    const { result } = await session.post("Profiler.takePreciseCoverage");
    return result.flatMap((script: Script) => {
      const file = /\/((?:server|db|protocol)\/[^?]*\.ts)$/.exec(script.url)?.[1];
      return file !== undefined && !script.url.includes("node_modules") && offsetsRun(script).length > 0 ? [file] : [];
    });
  };
  return { filesRun, close: () => session.disconnect() };
}

/**
 * Watches which files of the client run in a page. `bundle` is the page's script as esbuild writes
 * it without minifying: a comment with the name of the file is before each file's code.
 */
export async function watchPage(page: Page, bundle: string): Promise<FilesRun> {
  const starts = [...bundle.matchAll(/^ {0,2}\/\/ ((?:client|protocol)\/\S+\.ts)$/gm)];
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Profiler.enable");
  await cdp.send("Profiler.startPreciseCoverage", EVERY_CALL);
  return async () => {
    const { result } = await cdp.send("Profiler.takePreciseCoverage");
    const offsets = result.filter(({ url }) => url.includes("/assets/main-")).flatMap(offsetsRun);
    const files = offsets.map((offset) => starts.findLast(({ index }) => index <= offset)?.[1]);
    return [...new Set(files)].filter((file) => file !== undefined);
  };
}

function offsetsRun({ functions }: Script): number[] {
  return functions.flatMap(({ ranges: [whole] }) => (whole && whole.count > 0 ? [whole.startOffset] : []));
}
