import { connect, type Socket } from "node:net";
import { Check, type Findings, RoomLog } from "./check.ts";
import type { System } from "./systems/system.ts";
import { openWire } from "./wires/wire.ts";

/** All readers of a system. */
export type Readers = {
  logs: RoomLog[];
  /** Deliveries that did not come, over all readers. */
  missing(): number;
};

/** Sockets that connect at a time: a backlog of SYNs that is too long drops some, and they come again after a second. */
const CONNECTING = 100;

/** All reads go into one buffer: nothing is allocated for what 1000 readers are sent. */
const RECEIVED = Buffer.allocUnsafe(256 * 1024);

/** Opens all readers; resolves when each has had an answer's first bytes, or where it polls, its request is sent. */
export async function openReaders(system: Omit<System, "stop">, findings: Findings): Promise<Readers> {
  const logs: RoomLog[] = [];
  const checks: Check[] = [];
  for (let first = 0; first < system.reads.length; first += CONNECTING)
    await Promise.all(system.reads.slice(first, first + CONNECTING).map(open));
  return { logs, missing: () => checks.reduce((sum, check) => sum + check.missing(), 0) };

  function open({ room, request }: System["reads"][number]): Promise<void> {
    logs[room] ??= new RoomLog();
    const check = new Check(logs[room], findings);
    checks.push(check);
    return system.wire === "endless" ? follow(check, request) : poll(check, request, system.wire);
  }

  /** What a connection that ends does not bring any more is found missing. */
  function follow(check: Check, request: string): Promise<void> {
    return new Promise((resolve) => {
      const socket = dial((bytes) => {
        check.take(bytes, performance.now());
        resolve();
      });
      socket.once("close", resolve);
      socket.write(request);
    });
  }

  function poll(check: Check, request: string, kind: Exclude<System["wire"], "endless">): Promise<void> {
    const next = openWire(kind, request);
    let received = "";
    return new Promise((resolve) => {
      const socket = dial((bytes) => {
        received += bytes.toString("latin1");
        for (;;) {
          const end = endOfAnswer(received);
          if (end === undefined) return;
          const head = received.slice(0, received.indexOf("\r\n\r\n"));
          const body = received.slice(head.length + 4, end);
          received = received.slice(end);
          check.take(Buffer.from(body, "latin1"), performance.now());
          socket.write(next({ head, body }));
        }
      });
      socket.once("connect", resolve);
      socket.write(request);
    });
  }

  function dial(onBytes: (bytes: Buffer) => void): Socket {
    const onread = {
      buffer: RECEIVED,
      callback: (length: number) => {
        onBytes(RECEIVED.subarray(0, length));
        return true;
      },
    };
    const socket = connect({ port: system.port, host: "127.0.0.1", noDelay: true, onread });
    socket.on("error", () => undefined); // its close follows
    return socket;
  }
}

/** Where the first answer in what was received ends; `undefined` while it has not come whole. */
export function endOfAnswer(received: string): number | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const bodyStart = headEnd + 4;
  const head = received.slice(0, headEnd);
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length !== undefined)
    return received.length < bodyStart + Number(length) ? undefined : bodyStart + Number(length);
  if (!/^transfer-encoding: *chunked/im.test(head)) return bodyStart;
  const lastChunk = received.indexOf("\r\n0\r\n\r\n", headEnd);
  return lastChunk < 0 ? undefined : lastChunk + 7;
}
