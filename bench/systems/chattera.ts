import { randomBytes, randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import { COLORS } from "../../protocol/limits.ts";
import { createTokens } from "../../server/token.ts";
import { from } from "../../test/support/visitor.ts";
import { type ClientName, readTemplates, type Templates } from "../clients/templates.ts";
import { freePort } from "./free-port.ts";
import { BROWSER, peopleOf } from "./people.ts";
import { type Program, runProgram } from "./program.ts";
import type { LoadTransport, Person, System, SystemOptions } from "./system.ts";

/**
 * Starts chattera as a small operator runs it: one command, which brings its own PostgreSQL with
 * its own, durable, settings, and with rate limits on unless the load is more than they let
 * through. Its people have been there for an hour: they are no newcomers, who have a limit of their
 * own for a minute.
 */
export async function start(options: SystemOptions): Promise<System> {
  const { client = "page", transport = "stream" } = options;
  const folder = await mkdtemp(join(tmpdir(), "chattera-bench-"));
  await chmod(folder, 0o755); // For root's PostgreSQL, which runs as another user
  const port = await freePort();
  const secret = randomBytes(24).toString("base64url");
  let program = run();
  const url = await program.said(/"url":"([^"]+)"/);
  const people = peopleOf(options, valuesOf(secret, port));
  await openRooms(url, people, options);
  const system: System = {
    name: "chattera",
    client,
    transport,
    port,
    pids: [program.pid],
    wire: transport === "poll" ? "chattera-poll" : "endless",
    requests: requestsOf(client, transport),
    people,
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
      CHATTERA_SECRET: secret,
      CHATTERA_LIMITS: options.isUnlimited ? "off" : "on",
      CHATTERA_READERS: "20000",
    });
  }
}

/** The shell goes into the group, and what it becomes and starts is in it then. */
function withinGroup(group: string | undefined, command: string[]): string[] {
  if (group === undefined) return command;
  return ["/bin/sh", "-c", `echo $$ > ${group}/cgroup.procs && exec "$@"`, "sh", ...command];
}

const SERVER = fileURLToPath(new URL("../../dist/server/process/cli.js", import.meta.url));

/** Returns the requests that the client sends over this transport. */
function requestsOf(client: ClientName, transport: LoadTransport): System["requests"] {
  const templates = readTemplates(client);
  const ofKind = (kind: string): Templates => {
    const own = Object.entries(templates)
      .filter(([name]) => name.startsWith(`${kind} `))
      .map(([name, text]) => [name.slice(kind.length + 1), text]);
    const { stream, poll, confirmation, ticket, ...others }: Templates = Object.fromEntries(own);
    if (transport === "stream") return defined({ ...others, read: stream, confirmation });
    return defined({ ...others, read: poll, ticket });
  };
  return { member: ofKind("member"), watcher: ofKind("watcher") };
}

function defined(requests: { [name: string]: string | undefined }): Templates {
  return Object.fromEntries(Object.entries(requests).filter(([, text]) => text !== undefined)) as Templates;
}

const HOUR_MS = 3_600_000;

/** Makes sessions as the server does, an hour old; half of the people have a Japanese nickname. */
function valuesOf(secret: string, port: number): (person: Omit<Person, "values">, n: number) => Person["values"] {
  const tokens = createTokens({ secrets: [secret], siteSecret: "", sessionMs: 30 * 24 * HOUR_MS, formerUntil: 0 });
  return ({ room, kind }, n) => {
    const id = randomUUID();
    const nickname = n % 2 === 0 ? `Ann ${n}` : `さくら${n}`;
    const member = { id, nickname, color: COLORS[n % COLORS.length] as string };
    const since = Date.now() - HOUR_MS;
    return {
      ...BROWSER,
      host: `127.0.0.1:${port}`,
      port: String(port),
      room: slugOf(room),
      visit: randomBytes(12).toString("base64url"),
      ...(kind === "member" && {
        nickname,
        token: tokens.sign(member, since),
        formToken: tokens.formToken(id),
        ticket: tokens.ticket(member, Date.now(), since),
      }),
    };
  };
}

/** Makes the rooms, has the members enter, and notes the cursor from which everybody then reads. */
async function openRooms(url: string, people: Person[], { rooms, isArriving }: SystemOptions): Promise<void> {
  const some = pLimit(32);
  const post = async ({ address }: Person, path: string, body: object) => {
    const visitor = from(url, address);
    const { status, text } = await visitor.post(path, body);
    visitor.close();
    if (status >= 300) throw new Error(`${path}: ${status} ${text}`);
  };
  const readersPerRoom = people.length / rooms;
  const makers = people.filter((_, n) => n % readersPerRoom === 0);
  await Promise.all(makers.map((maker) => some(() => post(maker, "/api/rooms", { slug: slugOf(maker.room) }))));
  const members = people.filter(({ kind }) => kind === "member" && !isArriving);
  await Promise.all(
    members.map((member) =>
      some(() => post(member, `/api/rooms/${slugOf(member.room)}/enter`, { token: member.values.token })),
    ),
  );
  const cursors = await Promise.all(makers.map(({ room }) => some(() => cursorOf(url, room))));
  for (const person of people) person.values.cursor = cursors[person.room] as string;
}

async function cursorOf(url: string, room: number): Promise<string> {
  const visitor = from(url, "127.0.0.1");
  const { body } = await visitor.get(`/api/rooms/${slugOf(room)}`);
  visitor.close();
  return body.cursor;
}

function slugOf(room: number): string {
  return `bench-${room}`;
}
