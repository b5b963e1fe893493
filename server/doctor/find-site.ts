import { randomBytes } from "node:crypto";
import type { DoctorEcho } from "../../protocol/doctor.ts";
import { PATHS } from "../../protocol/paths.ts";

/** A site that takes longer to answer is not worth the wait of a person with a wrong address. */
const TIMEOUT_MS = 3_000;

/** The base path of all our examples. */
const USUAL_PATH = "/chat";

/**
 * Looks for the site where its address may have been meant: where `base` redirects to, at the paths
 * above both, and at the path of our examples. Returns its address, or undefined if none answers.
 */
export async function findSite(base: URL): Promise<string | undefined> {
  const target = await redirectOf(base);
  const candidates = new Set([
    ...(target === undefined ? [] : addressesAbove(target)),
    ...addressesAbove(base),
    base.origin + USUAL_PATH,
  ]);
  for (const address of candidates) if (await isSite(address)) return address;
  return undefined;
}

/** Returns where a reader of the page ends, such as at another host, or behind TLS. */
async function redirectOf(base: URL): Promise<URL | undefined> {
  try {
    const answer = await fetch(base, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await answer.body?.cancel();
    return answer.redirected ? new URL(answer.url) : undefined;
  } catch {
    return undefined; // Without a page there is no redirect to follow.
  }
}

/** Returns the address without a slash at its end, and that of each folder above it. */
function addressesAbove({ origin, pathname }: URL): string[] {
  const names = pathname.split("/").filter((name) => name !== "");
  return [...names.keys(), names.length].reverse().map((count) => [origin, ...names.slice(0, count)].join("/"));
}

/** Asks as `reach` does: in the path, or in the query for a proxy that drops the former. */
async function isSite(address: string): Promise<boolean> {
  const nonce = randomBytes(8).toString("hex");
  for (const mark of [";", "?"]) {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const answer = await fetch(`${address}${PATHS.doctorEcho}${mark}n=${nonce}`, { signal, redirect: "error" });
      const echo = (await answer.json()) as Partial<DoctorEcho> | null;
      // A refusal of chattera's has the nonce, too.
      if (answer.ok && echo?.chattera === 1 && echo.n === nonce) return true;
    } catch {
      // Something else answers, or nothing: the site is not there.
    }
  }
  return false;
}
