import { type Command, Option } from "commander";
import { giveRole, takeRole, writeOwnerKey } from "../../db/log/roles.ts";
import { StartError } from "../../db/start-error.ts";
import { ROLES, type Role } from "../../protocol/room-settings.ts";
import { claimPath } from "../../protocol/tool-paths.ts";
import type { Config } from "../config.ts";
import { settingsRequest } from "../keeping-requests.ts";
import { changeStoredSettings, readStoredSettings } from "../rooms/change-settings.ts";
import { createMakeRoom } from "../rooms/make-room.ts";
import type { ModeratedRoom, ModeratedSite } from "../rooms/moderate.ts";
import { newOwnerKey } from "../rooms/owner-key.ts";
import { removeRoom } from "../rooms/remove-room.ts";
import { createReserved } from "../rooms/reserved.ts";
import { readSlug, readTitle } from "../rooms/slug.ts";
import { addressOf, MODERATOR, print, readTarget, roomNamed, withSite } from "./moderation.ts";
import { printTable } from "./table.ts";

/** Runs work with the settings of the environment, and ends the process. */
type RunCommand = (work: (config: Config) => Promise<void>) => Promise<void>;

/** Adds `chattera room`: to make a room, change its settings, appoint people, and remove it. */
export function addRoomCommands(program: Command, run: RunCommand): void {
  const room = program.command("room").description("make a room, change its settings, appoint people, remove it");
  const inRoom = (work: (config: Config, found: FoundRoom) => Promise<void>, name: string) =>
    run((config) => withSite(config, async (site) => work(config, { ...(await roomNamed(site.db, name)), site })));
  room
    .command("make")
    .description("make a room, and print its owner key: it is shown only now")
    .argument("<room>", "the room's name, which is part of its address")
    .option("--title <text>", "the title, for people; default: the name")
    .option("--by-link", "leave it out of the lobby")
    .option("--url <address>", "the address of the site, with its base path")
    .action((name: string, options: NewRoomOptions) => run((config) => make(config, name, options)));
  room
    .command("settings")
    .description("print a room's settings, or change those that are named")
    .argument("<room>", "the room's name")
    .argument("[change...]", 'such as slowSeconds=10, locked=true, "pinned=Be kind", or keepDays= for none')
    .option("--json", "print JSON")
    .action((name: string, changes: string[], { json }: { json?: true }) =>
      inRoom((config, found) => settings(config, found, { changes, isJson: json === true }), name),
    );
  room
    .command("appoint")
    .description("give a person a role in a room, or take it")
    .argument("<room>", "the room's name")
    .addOption(new Option("--role <role>", "the role").choices([...ROLES, "none"]).default("moderator"))
    .option("--member <id>", "a session, by the id that chattera people prints")
    .option("--trip <trip>", "a trip, with its ◆")
    .action((name: string, asked: AskedRole) => inRoom((_, found) => appoint(found, asked), name));
  room
    .command("key")
    .description("make a new owner key, and print it: the former one is worth nothing from then on")
    .argument("<room>", "the room's name")
    .option("--url <address>", "the address of the site, with its base path")
    .action((name: string, { url }: { url?: string }) =>
      inRoom(async (config, found) => {
        const address = addressOf(config, url);
        const { text, hash } = newOwnerKey();
        await writeOwnerKey(found.site.db, found.id, hash);
        printKey(address, found.slug, text);
      }, name),
    );
  room
    .command("remove")
    .description("remove a room with all that was said in it; it cannot be undone")
    .argument("<room>", "the room's name")
    .option("--yes", "do it")
    .action((name: string, { yes }: { yes?: true }) =>
      inRoom(async (_, found) => {
        if (!yes) throw new StartError(`This would delete all messages in ${found.slug}. Add --yes to do it.`);
        await removeRoom(found.site, { moderator: MODERATOR, room: found });
        print(`The room ${found.slug} is removed.`);
      }, name),
    );
}

type FoundRoom = ModeratedRoom & { site: ModeratedSite };

type NewRoomOptions = { title?: string; byLink?: true; url?: string };

async function make(config: Config, name: string, { title, byLink, url }: NewRoomOptions): Promise<void> {
  const slug = readSlug(name);
  if (slug === undefined) throw new StartError("A room's name has 1 to 64 letters, digits, - and _.");
  const address = addressOf(config, url);
  await withSite(config, async ({ db }) => {
    const { roomsMax, reservedNames } = config;
    const reserved = createReserved(reservedNames);
    // No network is counted, and nodes read their lists of rooms every second.
    const makeRoom = createMakeRoom({ db, log: { secret: "" }, lobby: { forget() {} }, reserved, roomsMax });
    const maker = { network: "", wideNetwork: "", limits: undefined, member: undefined };
    const key = await makeRoom({ slug, title: readTitle(title, slug), public: byLink !== true }, maker);
    print(`The room ${slug} is made.`);
    printKey(address, slug, key);
  });
}

function printKey(address: string, slug: string, key: string): void {
  print(`owner key: ${key}`);
  print(`link that makes its reader the owner: ${address}${claimPath(slug)}#${key}`);
}

async function settings(
  config: Config,
  { site, ...room }: FoundRoom,
  { changes, isJson }: { changes: string[]; isJson: boolean },
): Promise<void> {
  if (changes.length > 0) {
    const member = { id: "operator", nickname: config.siteName, color: "#6b6000" };
    const reserved = createReserved(config.reservedNames);
    await changeStoredSettings({ ...site, reserved }, room, { fields: readChanges(changes), member });
  }
  const now = await readStoredSettings(site.db, room.id);
  if (isJson) print(JSON.stringify(now, undefined, 2));
  else printTable(Object.entries(now).map(([setting, value]) => ({ setting, value: sayValue(value) })));
}

/** Reads `name=value` as the fields of a form, in which an empty one stands for none. */
function readChanges(changes: string[]): { [name: string]: string } {
  return Object.fromEntries(
    changes.map((change) => {
      const [, name = "", value = ""] = /^(\w+)=(.*)$/s.exec(change) ?? [];
      if (name === "") throw new StartError(`${change} is not a change: write name=value, such as slowSeconds=10.`);
      if (!(name in settingsRequest.shape))
        throw new StartError(`There is no setting ${name}: chattera room settings ROOM lists them.`);
      return [name, value];
    }),
  );
}

function sayValue(value: unknown): string {
  if (value === null) return "none";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

type AskedRole = { role: Role | "none"; member?: string; trip?: string };

async function appoint(
  { site: { db, wakeUps }, id, slug }: FoundRoom,
  { role, member, trip }: AskedRole,
): Promise<void> {
  const value = member ?? trip;
  if (value === undefined || (member !== undefined && trip !== undefined))
    throw new StartError("Name either --member or --trip; chattera people lists them.");
  if (role !== "none") readTarget([{ kind: member === undefined ? "trip" : "member", value }]);
  const given = { roomId: id, kind: member === undefined ? "trip" : "member", value } as const;
  if (role === "none") await takeRole(db, wakeUps, given);
  else if (!(await giveRole(db, wakeUps, { ...given, role, by: undefined })))
    throw new StartError(`The room ${slug} has as many roles as it can have.`);
  print(role === "none" ? `${value} has no role in ${slug} now.` : `${value} is ${role} of ${slug} now.`);
}
