import { connect, type Socket } from "node:net";
import type { PollAnswer } from "../../protocol/event.ts";
import type { TestNode } from "./app.ts";
import { until } from "./until.ts";

/**
 * An answer as received. `lines` are its header lines; `headers` are the same by lower-case name.
 */
export type RawAnswer = {
  status: number;
  lines: string[];
  headers: Map<string, string>;
  body: PollAnswer & { code?: string };
};

/** A connection to a node that sends exactly the bytes that a test writes. */
export class RawConnection {
  readonly socket: Socket;
  #received = "";
  isClosed = false;

  /** `from` is the local address of the connection, in 127.0.0.0/8. */
  constructor(url: string, from = "127.0.0.1") {
    this.socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", localAddress: from });
    this.socket.setEncoding("utf8").on("data", (text) => {
      this.#received += text;
    });
    this.socket.once("close", () => {
      this.isClosed = true;
    });
  }

  ask(target: string, headers = "Host: here\r\n", version = "1.1"): void {
    this.socket.write(`GET ${target} HTTP/${version}\r\n${headers}\r\n`);
  }

  answer(patienceMs?: number): Promise<RawAnswer> {
    const take = () => {
      const [head = "", ...rest] = this.#received.split("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
      const text = rest.join("\r\n\r\n");
      if (!(Buffer.byteLength(text) >= length)) return undefined;
      const body = Buffer.from(text).subarray(0, length).toString();
      this.#received = Buffer.from(text).subarray(length).toString();
      const lines = head.split("\r\n").slice(1);
      const headers = new Map(
        lines.map((line) => [line.split(": ")[0]?.toLowerCase() ?? "", line.replace(/^.*?: /, "")]),
      );
      return { status: Number(head.slice(9, 12)), lines, headers, body: body === "" ? {} : JSON.parse(body) };
    };
    return until("an answer", take, patienceMs);
  }
}

/** Returns how many polls of a node took the fast path (`kept`), and how many did not (`whole`). */
export async function pollsOf({ app }: TestNode): Promise<{ kept: number; whole: number }> {
  const text = await app.site.metrics.registry.metrics();
  const count = (road: string) =>
    Number(new RegExp(`^chattera_polls_total\\{road="${road}"\\} (\\d+)`, "m").exec(text)?.[1]);
  return { kept: count("kept"), whole: count("whole") };
}
