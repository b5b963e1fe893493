import { connect, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { Check, type Findings, RoomLog } from "./check.ts";
import type { System } from "./systems/system.ts";
import { openWire } from "./wires/wire.ts";

/** All readers of a system. */
export type Readers = {
  logs: RoomLog[];
  /** Deliveries that did not come, over all readers. */
  missing(): number;
  close(): void;
};

/** Sockets that connect at a time: a backlog of SYNs that is too long drops some, and they come again after a second. */
const CONNECTING = 100;

/** All reads go into one buffer: nothing is allocated for what 1000 readers are sent. */
const RECEIVED = Buffer.allocUnsafe(256 * 1024);

/** Opens all readers; resolves when each has had an answer's first bytes, or where it polls, its request is sent. */
export async function openReaders(
  system: Omit<System, "stop">,
  findings: Findings,
  comeBack: boolean,
): Promise<Readers> {
  const logs: RoomLog[] = [];
  const checks: Check[] = [];
  const sockets = new Set<Socket>();
  let isClosed = false;
  for (let first = 0; first < system.reads.length; first += CONNECTING)
    await Promise.all(system.reads.slice(first, first + CONNECTING).map(open));
  return { logs, missing: () => checks.reduce((sum, check) => sum + check.missing(), 0), close };

  function open({ room, request }: System["reads"][number]): Promise<void> {
    logs[room] ??= new RoomLog();
    const check = new Check(logs[room], findings);
    checks.push(check);
    return system.wire === "endless" ? follow(check, request, "") : poll(check, request, system.wire);
  }

  function follow(check: Check, request: string, cursor: string): Promise<void> {
    let last = cursor;
    return new Promise((resolve) => {
      const socket = dial((bytes) => {
        check.take(bytes, performance.now());
        if (comeBack) last = cursorIn(bytes) ?? last;
        resolve();
      });
      socket.once("close", () => {
        if (isClosed || !comeBack) return;
        void setTimeout(1000 + Math.random() * 2000).then(() => isClosed || follow(check, request, last));
      });
      socket.write(cursor === "" ? request : request.replace(/\r\n\r\n$/, `\r\nLast-Event-ID: ${cursor}\r\n\r\n`));
    });
  }

  function poll(check: Check, request: string, kind: Exclude<System["wire"], "endless">): Promise<void> {
    const next = openWire(kind, request);
    let received = "";
    return new Promise((resolve) => {
      const socket = dial((bytes) => {
        received += bytes.latin1Slice();
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
    sockets.add(socket);
    socket.on("error", () => undefined); // its close follows
    socket.once("close", () => sockets.delete(socket));
    return socket;
  }

  function close(): void {
    isClosed = true;
    for (const socket of sockets) socket.destroy();
  }
}

/** The last event's id in a piece of a stream. */
function cursorIn(bytes: Buffer): string | undefined {
  const at = bytes.lastIndexOf("\nid: ");
  return at < 0 ? undefined : /^\nid: (\S+)\n/.exec(bytes.latin1Slice(at, at + 140))?.[1];
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
