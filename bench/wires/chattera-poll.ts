import type { Fill, Wire } from "./wire.ts";

/** A poller of chattera: it asks for what comes after the cursor of the answer before. */
export function chatteraPoll(polls: Fill): Wire {
  let place: { cursor: string } | undefined;
  return (answer) => {
    const cursor = answer && /"cursor":"([^"]+)"/.exec(answer.body)?.[1];
    if (cursor !== undefined) place = { cursor };
    return polls(place);
  };
}
