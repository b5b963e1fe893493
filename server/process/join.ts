import { existsSync } from "node:fs";
import { createInterface, cursorTo, type Interface } from "node:readline";
import type { Command } from "commander";
import type { ConnectOptions, RoomHandle } from "../../client/handle.ts";
import type { Member, RoomEvent } from "../../protocol/event.ts";

const SHOWN_AT_FIRST = 20;

/** Adds the command that takes part in a room in a terminal. */
export function addJoinCommand(program: Command): void {
  program
    .command("join")
    .description("read a room of a site in this terminal, and talk in it")
    .argument("<url>", "the site's address, with its base path")
    .argument("[room]", "the room", "lobby")
    .option("--nickname <name>", "enter under this name; without it, only read")
    .addHelpText("after", "\nEnter sends a line. /quit, Ctrl+D or Ctrl+C leaves the room.")
    .action(async (url: string, room: string, { nickname }: { nickname?: string }) => {
      const { connect } = await loadClient();
      try {
        const options = { room, nameWaitSeconds: 0, ...(nickname !== undefined && { nickname }) };
        process.exitCode = await join(connect(url, options), nickname !== undefined);
      } catch (error) {
        // Connecting throws this for an address or a room that cannot be.
        if (!(error instanceof TypeError)) throw error;
        process.stderr.write(`chattera: ${error.message}\n`);
        process.exitCode = 1;
      }
    });
}

/** Shows a room until the person leaves. Returns the exit code: 1 if the site refused. */
async function join(room: RoomHandle, mayTalk: boolean): Promise<number> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });
  const print = (line: string) => printAbove(terminal, line);
  try {
    await room.ready;
    const { events } = await room.history(undefined, SHOWN_AT_FIRST);
    for (const event of events) show(event, print);
    const newest = events.at(-1)?.seq ?? 0;
    room.on("event", (event) => event.seq > newest && show(event, print));
  } catch (error) {
    terminal.close();
    room.close();
    process.stderr.write(`chattera: ${(error as Error).message}\n`);
    return 1;
  }
  room.on("state", ({ state }) => state === "waiting" && print(dim("-- connection lost; reconnecting")));
  room.on("reset", () => print(dim("-- some messages are missing here")));
  await talk(room, { terminal, print, mayTalk });
  await room.leave();
  return 0;
}

type Talk = { terminal: Interface; print(line: string): void; mayTalk: boolean };

/** Sends each line that is typed, until the end of the input. */
function talk(room: RoomHandle, { terminal, print, mayTalk }: Talk): Promise<void> {
  return new Promise((resolve) => {
    terminal.on("line", (line) => {
      if (line.trim() === "/quit") terminal.close();
      else if (line.trim() !== "" && mayTalk)
        room.send(line).catch((error: Error) => print(dim(`-- not sent: ${error.message}`)));
      else if (line.trim() !== "") print(dim("-- choose a --nickname to talk"));
      terminal.prompt();
    });
    terminal.once("SIGINT", () => terminal.close());
    terminal.once("close", resolve);
    terminal.prompt();
  });
}

/** Writes a line above the one that is being typed. */
function printAbove(terminal: Interface, line: string): void {
  if (!process.stdout.isTTY) {
    process.stdout.write(`${line}\n`);
    return;
  }
  cursorTo(process.stdout, 0);
  process.stdout.write(`\x1b[J${line}\n`);
  terminal.prompt(true);
}

function show(event: RoomEvent, print: (line: string) => void): void {
  const time = new Date(event.at).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  const text = lineOf(event);
  if (text !== undefined) print(`${dim(time)} ${text}`);
}

/** Returns an event as a line; `undefined` for one that has none. */
function lineOf(event: RoomEvent): string | undefined {
  const { kind, member } = event;
  if (kind === "message" && event.erased) return dim("(erased)");
  // The lines of a message after its first one are indented below it.
  if (kind === "message") return `${nameOf(member)} ${(event.text ?? "").replaceAll("\n", "\n      ")}`;
  if (kind === "whisper") return `${nameOf(member)} ${dim(`(whisper to ${event.to.nickname})`)} ${event.text}`;
  if (kind === "enter" || kind === "leave") return dim(`${member.nickname} ${kind === "enter" ? "entered" : "left"}`);
  if (kind === "rename") return dim(`${event.former.nickname} is now ${member.nickname}`);
  if (kind === "notice") return dim(event.text);
  return undefined;
}

/** Returns a nickname in its color, where the terminal shows colors. */
function nameOf({ nickname, trip = "", color }: Member): string {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  return styled(`38;2;${red};${green};${blue};1`, `${nickname}${trip}:`);
}

function dim(text: string): string {
  return styled("2", text);
}

/** [no-color.org] */
function styled(codes: string, text: string): string {
  return process.stdout.isTTY && process.stdout.hasColors() ? `\x1b[${codes}m${text}\x1b[0m` : text;
}

type Client = { connect(url: string, options: ConnectOptions): RoomHandle };

/** Loads the client that the build has made, also for a run from the sources. */
async function loadClient(): Promise<Client> {
  const urls = ["../../client/index.js", "../../dist/client/index.js"].map((path) => new URL(path, import.meta.url));
  const built = urls.find((url) => existsSync(url)) as URL;
  return import(built.href);
}
