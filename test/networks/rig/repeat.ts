import type { Misbehaviour } from "./proxy.ts";

/** Sends every POST twice at the same time and returns the second answer. */
export const repeatPosts: Misbehaviour = (asked, pass) => {
  if (asked.method !== "POST") return pass(asked);
  pass(asked).then(
    ({ body }) => body.resume(),
    () => undefined,
  );
  return pass(asked);
};
