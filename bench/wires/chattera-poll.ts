import type { Wire } from "./wire.ts";

/** A poller of chattera: it asks for what comes after the cursor of the answer before, with a nonce of its own each time. */
export function chatteraPoll(firstRequest: string): Wire {
  const [line, ...rest] = firstRequest.split("\r\n");
  const path = (line ?? "").split(" ")[1];
  const headers = rest.join("\r\n");
  let n = 0;
  return ({ body }) => {
    n += 1;
    const cursor = /"cursor":"([^"]+)"/.exec(body)?.[1] ?? "";
    return `GET ${path}&after=${cursor}&n=${n} HTTP/1.1\r\n${headers}`;
  };
}
