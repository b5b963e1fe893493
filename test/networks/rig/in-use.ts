import type { Misbehaviour } from "./proxy.ts";

/** Counts the connections that have a request under way, as the network sees them. */
export type InUse = {
  misbehave: Misbehaviour;
  /** Returns the requests that were under way when there were the most of them, since `forget`. */
  most(): string[];
  /** Returns the requests that are under way. */
  now(): string[];
  forget(): void;
};

/** Returns a network that counts. Scripts and styles of a page are left out. */
export function countInUse(): InUse {
  const underWay = new Map<object, string>();
  let most: string[] = [];
  return {
    async misbehave(asked, pass) {
      const { method, path, over } = asked;
      if (!isCounted(path)) return pass(asked);
      underWay.set(over, `${method} ${path}`);
      if (over.aborted) underWay.delete(over);
      else over.addEventListener("abort", () => underWay.delete(over));
      if (underWay.size > most.length) most = [...underWay.values()];
      return pass(asked);
    },
    most: () => most,
    now: () => [...underWay.values()],
    forget() {
      most = [...underWay.values()];
    },
  };
}

/** Whether a request is one of the page's script, or for a page itself. */
function isCounted(path: string): boolean {
  return /^\/(api|rooms)\//.test(path) || path === "/";
}
