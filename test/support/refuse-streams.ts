import type { RequestListener } from "node:http";
import type { TestNode } from "./app.ts";

/** Makes a node refuse all streams, as some networks do, so that clients poll. */
export function refuseStreamsOf({ server }: TestNode): void {
  const [answer] = server.listeners("request") as RequestListener[];
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    if (/\/api\/(events|stream|frame)\b/.test(request.url ?? "")) response.writeHead(403).end();
    else answer?.(request, response);
  });
}
