import { connect, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { Check, type Findings, RoomLog } from "./check.ts";
import type { Plan } from "./systems/system.ts";
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

/**
 * Opens all readers; resolves when each has had an answer's first bytes, or where it polls, its request is sent. Who is
 * cut off comes back as an EventSource does, with his last id and after as long as he was told; `comeBack: false`: not.
 */
export async function openReaders(plan: Plan, findings: Findings, comeBack: boolean): Promise<Readers> {
  const logs: RoomLog[] = [];
  const checks: Check[] = [];
  for (let first = 0; first < plan.reads.length; first += CONNECTING)
    await Promise.all(plan.reads.slice(first, first + CONNECTING).map(open));
  return { logs, missing: () => checks.reduce((sum, check) => sum + check.missing(), 0) };

  function open({ room, request }: Plan["reads"][number]): Promise<void> {
    logs[room] ??= new RoomLog();
    const check = new Check(logs[room], findings);
    checks.push(check);
    return plan.wire === "endless" ? follow(check, request) : poll(check, request, plan.wire);
  }

  function follow(check: Check, request: string): Promise<void> {
    let place: Place = { cursor: "", retryMs: 1_000 };
    return new Promise((resolve) => dialOn(resolve));

    function dialOn(onBegun: () => void): void {
      const socket = dial((bytes) => {
        check.take(bytes, performance.now());
        if (comeBack) place = placeAfter(bytes, place);
        onBegun();
      });
      socket.once("close", () => {
        onBegun();
        if (comeBack) void setTimeout(place.retryMs).then(() => dialOn(() => undefined));
      });
      const { cursor } = place;
      socket.write(cursor === "" ? request : request.replace(/\r\n\r\n$/, `\r\nLast-Event-ID: ${cursor}\r\n\r\n`));
    }
  }

  function poll(check: Check, request: string, kind: Exclude<Plan["wire"], "endless">): Promise<void> {
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
    const socket = connect({ port: plan.port, host: "127.0.0.1", noDelay: true, onread });
    socket.on("error", () => undefined); // its close follows
    return socket;
  }
}

type Place = { cursor: string; retryMs: number };

/** After a piece of a stream: its last event's id, and the last pause that was told. */
function placeAfter(bytes: Buffer, before: Place): Place {
  const idAt = bytes.lastIndexOf("\nid: ");
  const retryAt = bytes.lastIndexOf("\nretry: ");
  const cursor = idAt < 0 ? undefined : /^\nid: (\S+)\n/.exec(bytes.toString("latin1", idAt, idAt + 140))?.[1];
  const retry =
    retryAt < 0 ? undefined : /^\nretry: (\d+)\n/.exec(bytes.toString("latin1", retryAt, retryAt + 30))?.[1];
  // hello's own cursor counts for who has had no event yet: our client comes back with it, an EventSource from now on
  const greeted = before.cursor === "" ? /"cursor":"([^"]+)"/.exec(bytes.toString("latin1"))?.[1] : undefined;
  return { cursor: cursor ?? greeted ?? before.cursor, retryMs: retry ? Number(retry) : before.retryMs };
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
