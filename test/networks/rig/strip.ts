import type { Answer, Asked, Misbehaviour } from "./proxy.ts";

/** Takes headers off requests and answers. */
export function strip(...names: string[]): Misbehaviour {
  const rest = (headers: Answer["headers"]) =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
  return async (asked, pass) => {
    const answer = await pass({ ...asked, headers: rest(asked.headers) });
    return { ...answer, headers: rest(answer.headers) };
  };
}

/** Takes the query off. */
export const stripQuery: Misbehaviour = (asked, pass) => pass({ ...asked, path: withoutQuery(asked) });

/** The path alone. */
export function withoutQuery({ path }: Asked): string {
  return path.replace(/\?.*/, "");
}
