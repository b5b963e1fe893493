import type { Program } from "./program.ts";
import type { System, SystemOptions } from "./system.ts";

/** What differs from peer to peer: how its readers come to a room, and where and how a remark is posted to it. */
export type PeerWays = {
  name: string;
  port: number;
  wire: System["wire"];
  read(room: number): string;
  write(room: number): string;
  body?: string;
};

/** A system that knows neither nicknames nor sessions: a reader or writer of a room is like any other. */
export function peer(program: Program, options: SystemOptions, ways: PeerWays): System {
  const { name, port, wire, read, write, body = "@TEXT@" } = ways;
  const type = body === "@TEXT@" ? "text/plain" : "application/json";
  return {
    name,
    port,
    pids: [program.pid],
    wire,
    reads: inRooms(options.rooms, options.readersPerRoom, (room) => ({
      room,
      request: `GET ${read(room)} HTTP/1.1\r\nHost: localhost\r\nAccept: ${wire === "endless" ? "text/event-stream" : "*/*"}\r\n\r\n`,
    })),
    writers: inRooms(options.rooms, options.writersPerRoom, (room) => ({
      room,
      head: `POST ${write(room)} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\n`,
      body,
    })),
    stop: program.stop,
  };
}

function inRooms<T>(rooms: number, each: number, make: (room: number) => T): T[] {
  return Array.from({ length: rooms * each }, (_, n) => make(Math.floor(n / each)));
}
