import type { Misbehaviour, ProxyAnswer, ProxyRequest } from "./proxy.ts";

/** Removes headers from requests and answers. */
export function strip(...names: string[]): Misbehaviour {
  const rest = (headers: ProxyAnswer["headers"]) =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
  return async (asked, pass) => {
    const answer = await pass({ ...asked, headers: rest(asked.headers) });
    return { ...answer, headers: rest(answer.headers) };
  };
}

/** Removes the query. */
export const stripQuery: Misbehaviour = (asked, pass) => pass({ ...asked, path: withoutQuery(asked) });

/** Returns the path without its query. */
export function withoutQuery({ path }: ProxyRequest): string {
  return path.replace(/\?.*/, "");
}
