import { existsSync } from "node:fs";
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from "node:readline";
import type { Command } from "commander";
import type { ConnectOptions, RoomHandle } from "../../client/handle.ts";
import type { Member, RoomEvent } from "../../protocol/event.ts";
import { mentions } from "../../protocol/mention.ts";
import { MODERATION_PATHS } from "../../protocol/moderation-paths.ts";
import { PATHS } from "../../protocol/paths.ts";
import { createLines, type EventLines } from "./join-lines.ts";

/** Messages that are shown at first, and at each `/older`. */
const SHOWN = 20;

/** After this time without an answer, the person learns that the attempts go on. */
const SILENCE_MS = 3_000;

/** The commands that a line can be. */
export const JOIN_HELP = [
  "/who            the people in the room",
  "/nick NAME      take another name",
  "/w NAME TEXT    whisper to somebody",
  "/roll 2d6       roll dice; /omikuji draws a fortune",
  "/edit TEXT      change your last message",
  "/erase          erase your last message",
  "/report NAME    report somebody to the moderators; a reason may follow",
  "/older          show older messages",
  "/quit           leave; so do Ctrl+D and Ctrl+C",
];

/** Adds the command that takes part in a room in a terminal. */
export function addJoinCommand(program: Command): void {
  program
    .command("join")
    .description("read a room of a site in this terminal, and talk in it")
    .argument("<url>", "the site's address, with its base path")
    .argument("[room]", "the room", "lobby")
    .option("--nickname <name>", "enter under this name; without it, only read")
    .addHelpText("after", `\nEnter sends a line. These lines are commands:\n  ${JOIN_HELP.join("\n  ")}`)
    .action(async (url: string, slug: string, { nickname }: { nickname?: string }) => {
      const { connect } = await loadClient();
      try {
        const options = { room: slug, nameWaitSeconds: 0, ...(nickname !== undefined && { nickname }) };
        const room = connect(url, options);
        // Behind the sign is the secret of a trip.
        process.exitCode = await join({ room, url, slug, nickname: nickname?.split(/[#＃]/, 1)[0] });
      } catch (error) {
        // Connecting throws this for an address or a room that cannot be.
        if (!(error instanceof TypeError)) throw error;
        process.stderr.write(`chattera: ${error.message}\n`);
        process.exitCode = 1;
      }
    });
}

/** The room to show, and the name under which the person talks in it, if any. */
type Visit = {
  room: RoomHandle;
  url: string;
  slug: string;
  nickname: string | undefined;
  /** The seq of the last message that was sent here. */
  lastSeq?: number;
};

/**
 * The state of the screen. `oldest` is the first seq that was shown. There is no `input` until the
 * room can be talked in, so that nothing that comes through a pipe is read too early.
 */
type Screen = { lines: EventLines; oldest: number; input: Interface | undefined };

/** Shows a room until the person leaves. Returns the exit code: 1 if the site refused. */
async function join(visit: Visit): Promise<number> {
  const { room, slug, url } = visit;
  const lines = createLines(process.stdout.isTTY ? process.stdout.getColorDepth() : 1);
  const screen: Screen = { lines, oldest: Number.POSITIVE_INFINITY, input: undefined };
  const early: RoomEvent[] = [];
  const stop = room.on("event", (event) => early.push(event));
  const silence = setTimeout(() => process.stderr.write(`chattera: no site answers at ${url} yet\n`), SILENCE_MS);
  try {
    await room.ready.finally(() => clearTimeout(silence));
    const newest = await showOlder(room, screen);
    stop();
    // The seqs of whispers are those of another log.
    const take = (event: RoomEvent) => (event.kind === "whisper" || event.seq > newest) && show(event, visit, screen);
    for (const event of early) take(event);
    room.on("event", take);
    if (process.stdout.isTTY) note(screen, `${slug}: ${await whoIsHere(visit)}. /help lists the commands.`);
  } catch (error) {
    room.close();
    process.stderr.write(`chattera: ${(error as Error).message}\n`);
    return 1;
  }
  noteConnection(room, screen);
  await talk(visit, screen);
  await room.leave();
  return 0;
}

function note(screen: Screen, text: string): void {
  print(screen, [screen.lines.aside(text)]);
}

/** Writes lines above the one that is being typed. */
function print({ input }: Screen, lines: string[]): void {
  const { stdout } = process;
  const text = lines.map((line) => `${line}\n`).join("");
  if (input === undefined || !stdout.isTTY || text === "") {
    stdout.write(text);
    return;
  }
  // A long line that is being typed has several rows.
  moveCursor(stdout, 0, -input.getCursorPos().rows);
  cursorTo(stdout, 0);
  clearScreenDown(stdout);
  stdout.write(text);
  // [node lib/internal/readline/interface.js] readline moves up by this many rows before it writes.
  Object.assign(input, { prevRows: 0 });
  input.prompt(true);
}

/** Shows the messages before the oldest on the screen. Returns the seq of the newest of them. */
async function showOlder(room: RoomHandle, screen: Screen): Promise<number> {
  const before = screen.oldest === Number.POSITIVE_INFINITY ? undefined : screen.oldest;
  const { events } = await room.history(before, SHOWN);
  screen.oldest = events[0]?.seq ?? screen.oldest;
  print(screen, events.flatMap(screen.lines.of));
  return events.at(-1)?.seq ?? 0;
}

/** Shows a new event. A bell rings for a message that names the reader. */
function show(event: RoomEvent, { nickname }: Visit, screen: Screen): void {
  print(screen, screen.lines.of(event));
  const { kind, member, text = "" } = event;
  if (nickname === undefined || member.nickname === nickname || !process.stdout.isTTY) return;
  if (kind === "whisper" || (kind === "message" && mentions(text, nickname))) process.stdout.write("\x07");
}

function noteConnection(room: RoomHandle, screen: Screen): void {
  let isLost = false;
  room.on("state", ({ state }) => {
    if (state === "waiting" && !isLost) note(screen, "connection lost; reconnecting");
    if (state === "live" && isLost) note(screen, "connected again");
    isLost = state === "waiting" || (isLost && state !== "live");
  });
  room.on("reset", () => note(screen, "some messages are missing here"));
}

/** Sends each line that is typed, or obeys it, until the end of the input. */
function talk(visit: Visit, screen: Screen): Promise<void> {
  const { stdin, stdout } = process;
  const input = createInterface({ input: stdin, output: stdout, prompt: stdout.isTTY ? "> " : "" });
  const running = new Set<Promise<void>>();
  screen.input = input;
  return new Promise((resolve) => {
    input.on("line", (line) => {
      const typed = line.trim();
      if (typed === "/quit") input.close();
      else if (typed !== "") run(obey(typed, visit, screen));
      if (stdout.isTTY && typed !== "/quit") input.prompt();
    });
    input.once("SIGINT", () => {
      input.close();
      resolve();
    });
    input.once("close", () => {
      screen.input = undefined;
      // The lines that came through a pipe are answered before the end.
      void Promise.all(running).then(() => resolve());
    });
    if (stdout.isTTY) input.prompt();
  });

  function run(command: Promise<void>): void {
    const settled = command
      .catch((error: Error) => note(screen, `not done: ${error.message}`))
      .finally(() => running.delete(settled));
    running.add(settled);
  }
}

async function obey(typed: string, visit: Visit, screen: Screen): Promise<void> {
  const { room, nickname } = visit;
  const [command = "", ...rest] = typed.split(/\s+/);
  if (command === "/help") return print(screen, JOIN_HELP.map(screen.lines.aside));
  if (command === "/who") return note(screen, await whoIsHere(visit));
  if (command === "/older") {
    note(screen, "older messages:");
    await showOlder(room, screen);
    return note(screen, "end of the older messages");
  }
  if (nickname === undefined) return note(screen, "choose a --nickname to talk");
  if (command === "/nick") visit.nickname = (await room.rename(rest.join(" "))).nickname;
  else if (command === "/report") await report(visit, typed.slice(command.length).trim(), screen);
  else if (command === "/edit") await room.edit(lastOf(visit), typed.slice(command.length).trim());
  else if (command === "/erase") await room.erase(lastOf(visit));
  else {
    const { kind, seq } = await room.send(typed);
    if (kind === "message") visit.lastSeq = seq;
  }
}

function lastOf({ lastSeq }: Visit): number {
  if (lastSeq === undefined) throw new Error("you have not sent a message yet");
  return lastSeq;
}

/** Reports the person whose name a text begins with. The rest is the reason. */
async function report(visit: Visit, text: string, screen: Screen): Promise<void> {
  const named = (await listMembers(visit)).filter(({ nickname }) => `${text} `.startsWith(`${nickname} `));
  const [member] = named.sort((one, other) => other.nickname.length - one.nickname.length);
  if (member === undefined) throw new Error("nobody of that name is here");
  const body = { member: member.id, reason: text.slice(member.nickname.length).trim() };
  await ask(visit, MODERATION_PATHS.report(visit.slug), body);
  note(screen, `${member.nickname} is reported to the moderators`);
}

/** Returns who is in the room, as a sentence. */
async function whoIsHere(visit: Visit): Promise<string> {
  const members = await listMembers(visit);
  if (members.length === 0) return "nobody is here";
  return `${members.length} here: ${members.map(({ nickname, trip = "" }) => nickname + trip).join(", ")}`;
}

async function listMembers(visit: Visit): Promise<Member[]> {
  const members: Member[] = [];
  for (let next: string | undefined = ""; next !== undefined; ) {
    const after = next === "" ? "" : `?after=${encodeURIComponent(next)}`;
    const page = (await ask(visit, PATHS.members(visit.slug) + after)) as { members: Member[]; next?: string };
    members.push(...page.members);
    next = page.next;
  }
  return members;
}

/** Asks the site as the person who is here. */
async function ask({ room, url }: Visit, path: string, body?: object): Promise<unknown> {
  const token = room.token();
  const answer = await fetch(url.replace(/\/*$/, "") + path, {
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body && { "content-type": "application/json" }),
    },
    ...(body && { method: "POST", body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`the site answered ${answer.status}`);
  return answer.json();
}

type Client = { connect(url: string, options: ConnectOptions): RoomHandle };

/** Loads the client that the build has made, also for a run from the sources. */
async function loadClient(): Promise<Client> {
  const urls = ["../../client/index.js", "../../dist/client/index.js"].map((path) => new URL(path, import.meta.url));
  const built = urls.find((url) => existsSync(url)) as URL;
  return import(built.href);
}
