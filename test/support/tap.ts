import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy that records the heads of all answers. */
export type Tap = {
  url: string;
  /** Returns the heads so far, byte for byte, each with the empty line at its end. */
  heads(): string[];
  close(): void;
};

/** Opens a tap in front of a site. */
export async function openTap(target: string): Promise<Tap> {
  const { hostname, port } = new URL(target);
  const sockets: Socket[] = [];
  const received: string[][] = [];
  const server = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    const answers: string[] = [];
    received.push(answers);
    far.on("data", (bytes) => answers.push(bytes.toString("latin1")));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.push(from);
      from.on("error", () => to.destroy()).on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heads: () => received.flatMap((answers) => [...answers.join("").matchAll(HEAD)].map(([head]) => head)),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const HEAD = /HTTP\/1\.1 \d{3} [^\r\n]*\r\n(?:[\w-]+: [^\r\n]*\r\n)*\r\n/g;

/**
 * Returns whether a head belongs to a poll's answer. Only polls and the doctor send JSON that must
 * not be buffered.
 */
export function isPollHead(head: string): boolean {
  return /^HTTP\/1\.1 200 /.test(head) && /\ncontent-type: application\/json/i.test(head) && /\nx-accel-/i.test(head);
}
