import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.ts";
import { type Program, runProgram } from "./program.ts";
import type { System, SystemOptions } from "./system.ts";

/**
 * chattera as a small operator runs it: one command, which brings its own PostgreSQL with its own, durable, settings.
 * Without limits, for a writer here says more than a person does.
 */
export async function start(options: SystemOptions): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), "chattera-bench-"));
  await chmod(folder, 0o755); // for root's PostgreSQL, which runs as somebody else
  const port = await freePort();
  let program = run();
  const url = await program.said(/"url":"([^"]+)"/);
  const members = await openRooms(url, options);
  const endpoint = options.poll ? "poll" : "events";
  const system: System = {
    name: options.poll ? "chattera long-poll" : "chattera",
    port,
    pids: [program.pid],
    wire: options.poll ? "chattera-poll" : "endless",
    reads: inRooms(options.rooms, options.readersPerRoom, (room, n) => {
      const token = members[room * options.writersPerRoom + n]?.token;
      const who = n < options.writersPerRoom && token ? `&token=${token}` : "";
      return { room, request: `GET /api/${endpoint}?room=${slugOf(room)}${who} HTTP/1.1\r\nHost: localhost\r\n\r\n` };
    }),
    writers: members.map(({ room, token }) => ({
      room,
      head:
        `POST /api/rooms/${slugOf(room)}/messages HTTP/1.1\r\nHost: localhost\r\n` +
        `Content-Type: application/json\r\nAuthorization: Bearer ${token}\r\n`,
      body: '{"id":"@ID@","text":"@TEXT@"}',
    })),
    async restart() {
      await program.kill();
      program = run();
      system.pids = [program.pid];
      await program.said(/"url":"([^"]+)"/);
    },
    async stop() {
      await program.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return system;

  function run(): Program {
    return runProgram(options.core, withinGroup(options.group, [process.execPath, SERVER, "serve"]), {
      ...process.env,
      DATABASE_URL: "",
      DATA_DIR: join(folder, "data"),
      HOST: "127.0.0.1",
      PORT: `${port}`,
      WORKERS: `${options.workers ?? 1}`,
      LOG_LEVEL: "info",
      CHATTERA_LIMITS: "off",
      CHATTERA_READERS: "20000",
    });
  }
}

/** The shell goes into the group, and what it becomes and starts is in it then. */
function withinGroup(group: string | undefined, command: string[]): string[] {
  if (group === undefined) return command;
  return ["/bin/sh", "-c", `echo $$ > ${group}/cgroup.procs && exec "$@"`, "sh", ...command];
}

const SERVER = fileURLToPath(new URL("../../dist/server/cli.js", import.meta.url));

async function openRooms(url: string, options: SystemOptions): Promise<{ room: number; token: string }[]> {
  for (let room = 0; room < options.rooms; room += 1) await post(url, "/api/rooms", { slug: slugOf(room) });
  const writers = inRooms(options.rooms, options.writersPerRoom, (room, n) => ({ room, n }));
  const members: { room: number; token: string }[] = [];
  for (const { room, n } of writers) {
    const { token } = await post(url, "/api/session", { nickname: `writer ${room} ${n}` });
    if (!options.arriving) await post(url, `/api/rooms/${slugOf(room)}/enter`, { token });
    members.push({ room, token: token as string });
  }
  return members;
}

async function post(url: string, path: string, value: object): Promise<{ token?: string }> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(value) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as { token?: string };
}

function slugOf(room: number): string {
  return `bench-${room}`;
}

function inRooms<T>(rooms: number, each: number, make: (room: number, n: number) => T): T[] {
  return Array.from({ length: rooms * each }, (_, n) => make(Math.floor(n / each), n % each));
}
