import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { Misbehaviour, ProxyAnswer } from "../networks/rig/proxy.ts";

const SCRIPT_PATH = "/test-script.js";

/**
 * Changes the text of every page that is sent as a whole, or of some of them. A page that grows
 * stays as it is.
 */
export function changePages(change: (page: string) => string, isMeant = (_page: ProxyAnswer) => true): Misbehaviour {
  return async (asked, pass) => {
    const answer = await pass({ ...asked, headers: { ...asked.headers, "accept-encoding": "identity" } });
    return isWholePage(answer) && isMeant(answer) ? changed(answer, change) : answer;
  };
}

/**
 * Runs a script in every page before those of the page. Unlike playwright's addInitScript(), it
 * works in every engine, since the page names the script as one of its own.
 */
export function addScript(script: string): Misbehaviour {
  const addTag = changePages((page) => page.replace("<head>", `<head><script src="${SCRIPT_PATH}"></script>`));
  return async (asked, pass) => {
    if (asked.path !== SCRIPT_PATH) return addTag(asked, pass);
    const headers = { "content-type": "text/javascript; charset=utf-8", "cache-control": "no-store" };
    return { status: 200, headers, body: Readable.from([Buffer.from(script)]) };
  };
}

function isWholePage({ headers }: ProxyAnswer): boolean {
  return /^text\/html/.test(String(headers["content-type"])) && headers["content-length"] !== undefined;
}

async function changed(answer: ProxyAnswer, change: (page: string) => string): Promise<ProxyAnswer> {
  const page = Buffer.from(change(await text(answer.body)));
  return {
    ...answer,
    headers: { ...answer.headers, "content-length": String(page.length) },
    body: Readable.from([page]),
  };
}
