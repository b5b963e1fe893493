import { type Command, InvalidArgumentError, Option } from "commander";
import type { Config } from "../config.ts";
import { BAN_MINUTES_MAX, SPEAK_AFTER_MAX } from "../keeping-requests.ts";
import {
  type AdminTarget,
  eraseBy,
  listBy,
  makeBan,
  makeOperatorLink,
  resolveBy,
  signOutOperators,
  switchBy,
} from "./moderation.ts";

/** Runs work with the settings of the environment, and ends the process. */
type RunCommand = (work: (config: Config) => Promise<void>) => Promise<void>;

type TargetOptions = { room?: string; member?: string; trip?: string; network?: string };

/** Adds the commands of operators: the acts of the page /operate, for a terminal. */
export function addModerationCommands(program: Command, run: RunCommand): void {
  addLists(program, run);
  addErase(program, run);
  addBan(program, run);
  addReports(program, run);
  addEmergency(program, run);
  addOperator(program, run);
}

const EXIT_CODES = `
Exit code: 0 done, 1 it failed or was refused.
It works on the database of the settings (DATABASE_URL, or DATA_DIR), while the site runs or not. Nodes follow within a second.`;

function addLists(program: Command, run: RunCommand): void {
  program
    .command("rooms")
    .description("list all rooms, those by link only too, the latest message first")
    .option("--json", "print JSON")
    .addHelpText("after", EXIT_CODES)
    .action((options: { json?: true }) => run((config) => listBy(config, "rooms", options)));
  program
    .command("people")
    .description("list the people in a room, or in all rooms, by network")
    .option("--room <name>", "only those in this room")
    .option("--json", "print JSON")
    .addHelpText("after", EXIT_CODES)
    .action((options: { room?: string; json?: true }) => run((config) => listBy(config, "people", options)));
  program
    .command("log")
    .description("print the log of moderation, newest first")
    .option("--room <name>", "only the acts in this room")
    .option("--before <number>", "only the acts before this one", whole(1))
    .option("--limit <number>", "how many, 1 to 1000", whole(1, 1_000), 50)
    .option("--json", "print JSON")
    .addHelpText("after", EXIT_CODES)
    .action((options: { room?: string; before?: number; limit: number; json?: true }) =>
      run((config) => listBy(config, "log", options)),
    );
}

function addErase(program: Command, run: RunCommand): void {
  withTarget(program.command("erase"))
    .description("erase one message or notice, or everything by a session, a trip or a network")
    .option("--seq <number>", "one message or notice of --room, by its number", whole(1))
    .addHelpText("after", `\nWithout --room, everything in all rooms is erased. It cannot be undone.${EXIT_CODES}`)
    .action((options: TargetOptions & { seq?: number }) =>
      run((config) => eraseBy(config, { room: options.room, seq: options.seq, target: targetOf(options) })),
    );
}

type BanOptions = TargetOptions & {
  act: "silence" | "shut-out" | "remove";
  minutes?: number;
  reason: string;
  secretly?: true;
  yes?: true;
  list?: true;
  lift?: number;
  json?: true;
};

function addBan(program: Command, run: RunCommand): void {
  withTarget(program.command("ban"))
    .description("silence people, remove them or shut them out; list and lift such bans")
    .addOption(
      new Option("--act <act>", "what is forbidden: to speak, everything, or everything until they enter again")
        .choices(["silence", "shut-out", "remove"])
        .default("shut-out"),
    )
    .option("--minutes <number>", "for how long; default: for good", whole(1, BAN_MINUTES_MAX))
    .option("--reason <text>", "the reason, which the person and the log of moderation get", "")
    .option("--secretly", "do not tell the person")
    .option("--yes", "ban a network, though it hits more than one person")
    .option("--list", "list the bans that hold")
    .option("--lift <number>", "lift the ban with this number", whole(1))
    .option("--json", "with --list, print JSON")
    .addHelpText(
      "after",
      `\nWithout --room, a ban holds on the whole site. Networks are named by the eight letters that chattera people prints.${EXIT_CODES}`,
    )
    .action(({ list, lift, json, ...options }: BanOptions) =>
      run((config) => {
        if (list) return listBy(config, "bans", { room: options.room, json });
        return makeBan(config, { ...options, lift, target: targetOf(options) });
      }),
    );
}

function addReports(program: Command, run: RunCommand): void {
  program
    .command("reports")
    .description("list what visitors have reported, or take a report out of the queue")
    .option("--room <name>", "only those in this room")
    .option("--resolve <number>", "take the report with this number out of the queue", whole(1))
    .option("--json", "print JSON")
    .addHelpText("after", EXIT_CODES)
    .action(({ resolve, ...options }: { room?: string; resolve?: number; json?: true }) =>
      run((config) => (resolve === undefined ? listBy(config, "reports", options) : resolveBy(config, resolve))),
    );
}

type EmergencyOptions = { readOnly?: boolean; newRooms?: boolean; speakAfter?: number; json?: true };

function addEmergency(program: Command, run: RunCommand): void {
  program
    .command("emergency")
    .description("show the emergency switches, or set them")
    .option("--read-only <on|off>", "nobody speaks", onOff)
    .option("--new-rooms <on|off>", "whether people may make rooms", onOff)
    .option("--speak-after <minutes>", "only sessions of this age speak; 0: all", whole(0, SPEAK_AFTER_MAX))
    .option("--json", "print JSON")
    .addHelpText("after", EXIT_CODES)
    .action(({ readOnly, newRooms, speakAfter, ...options }: EmergencyOptions) => {
      const changes = {
        ...(readOnly !== undefined && { readOnly }),
        ...(newRooms !== undefined && { noNewRooms: !newRooms }),
        ...(speakAfter !== undefined && { speakAfterMinutes: speakAfter }),
      };
      return run((config) => switchBy(config, changes, options));
    });
}

function addOperator(program: Command, run: RunCommand): void {
  const operator = program.command("operator").description("sign in to /operate");
  operator
    .command("link")
    .description("print a link by which one operator signs in, once, within 15 minutes")
    .option("--url <address>", "the address of the site, with its base path")
    .addHelpText("after", EXIT_CODES)
    .action(({ url }: { url?: string }) => run((config) => makeOperatorLink(config, url)));
  operator
    .command("end")
    .description("end the sign-ins of all operators")
    .addHelpText("after", EXIT_CODES)
    .action(() => run(signOutOperators));
}

function withTarget(command: Command): Command {
  return command
    .option("--room <name>", "in this room only")
    .option("--member <id>", "a session, by the id that chattera people prints")
    .option("--trip <trip>", "a trip, with its ◆")
    .option("--network <letters>", "a network, by its eight letters");
}

function targetOf({ member, trip, network }: TargetOptions): AdminTarget[] {
  return Object.entries({ member, trip, network }).flatMap(([kind, value]) =>
    value === undefined ? [] : [{ kind: kind as AdminTarget["kind"], value }],
  );
}

function whole(min: number, max = 999_999_999): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };
}

function onOff(text: string): boolean {
  if (text !== "on" && text !== "off") throw new InvalidArgumentError("It must be on or off.");
  return text === "on";
}
