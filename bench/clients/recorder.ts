import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** One request and what has come of its answer so far, each a character a byte. */
export type Recorded = { request: string; answer: string; connection: number };

/** A TCP proxy that keeps what passes it. */
export type Recorder = {
  url: string;
  /** In the order in which they were sent, whole ones only. */
  requests: Recorded[];
  close(): void;
};

/**
 * Opens a recorder before `target`. It cuts connections whose request is `refused`, as some
 * networks do.
 */
export async function openRecorder(target: string, refused?: RegExp): Promise<Recorder> {
  const { port, hostname } = new URL(target);
  const requests: Recorded[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    const connection = connections++;
    let begun = "";
    let current: Recorded | undefined;
    near.on("data", (bytes) => {
      begun += bytes.toString("latin1");
      if (refused?.test(begun)) near.destroy();
      const end = endOfRequest(begun);
      if (end === undefined) return;
      current = { request: begun.slice(0, end), answer: "", connection };
      requests.push(current);
      begun = begun.slice(end);
    });
    far.on("data", (bytes) => {
      if (current) current.answer += bytes.toString("latin1");
    });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true).pipe(to);
      from.on("error", () => to.destroy());
      from.once("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * Where the first request ends; `undefined` while it is not whole. Our clients say how long their
 * bodies are.
 */
function endOfRequest(text: string): number | undefined {
  const headEnd = text.indexOf("\r\n\r\n") + 4;
  if (headEnd < 4) return undefined;
  const length = Number(/^content-length: *(\d+)/im.exec(text.slice(0, headEnd))?.[1] ?? 0);
  return text.length < headEnd + length ? undefined : headEnd + length;
}
