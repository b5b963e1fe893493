import { randomBytes } from "node:crypto";
import { readTemplates, type Templates } from "../clients/templates.ts";
import { BROWSER, peopleOf } from "./people.ts";
import type { Program } from "./program.ts";
import type { System, SystemOptions } from "./system.ts";

/**
 * The differences between peers: how its readers come to a room, and where and how a message is
 * posted to it.
 */
export type PeerWays = {
  name: string;
  port: number;
  wire: System["wire"];
  /** Paths, with `{{room}}` where the room's number goes. */
  read: string;
  write: string;
  body?: string;
};

/**
 * A system that knows neither nicknames nor sessions: a reader or writer of a room is like any
 * other. Its people sit before the same Chromium as chattera's: each of their requests has the
 * header lines of the page's request of that kind, cookies included, as a site around the peer
 * would have some.
 */
export function peer(program: Program, options: SystemOptions, ways: PeerWays): System {
  const { name, port, wire, read, write, body = "{{text}}" } = ways;
  const transport = wire === "endless" ? "stream" : "poll";
  const page = readTemplates("page");
  const type = body === "{{text}}" ? "text/plain;charset=UTF-8" : "application/json";
  const message = asPage(page["member message"], `POST ${write}`, { body, type });
  const packet = asPage(page["member message"], "POST {{path}}", {
    body: "{{packet}}",
    type: "text/plain;charset=UTF-8",
  });
  const readAs = (kind: string) =>
    asPage(page[`${kind} ${transport}`], `GET ${wire === "socket.io-poll" ? "{{path}}" : read}`);
  return {
    name,
    client: "page",
    transport,
    port,
    pids: [program.pid],
    wire,
    requests: {
      member: { read: readAs("member"), message, packet },
      watcher: { read: readAs("watcher"), packet },
    },
    people: peopleOf(options, ({ room }) => ({
      ...BROWSER,
      host: `127.0.0.1:${port}`,
      port: String(port),
      room: String(room),
      path: read.replace("{{room}}", String(room)),
      visit: randomBytes(12).toString("base64url"),
      token: randomBytes(TOKEN_BYTES).toString("base64url"),
    })),
    stop: program.stop,
  };
}

/** A cookie as long as chattera's. */
const TOKEN_BYTES = 120;

/** The header lines of a page's request with another line, type and body. */
function asPage(template: Templates[string] | undefined, line: string, { body = "", type = "" } = {}): string {
  return (template as string)
    .replace(/^.*(?= HTTP)/, line)
    .replace(/^(Content-Type: ).*(?=\r)/m, `$1${type}`)
    .replace(/(?<=\r\n\r\n).*$/s, () => body);
}
