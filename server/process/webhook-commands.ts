import type { Command } from "commander";
import { addIncomingWebhook, listIncomingWebhooks, removeIncomingWebhook } from "../../db/log/incoming-webhooks.ts";
import { StartError } from "../../db/start-error.ts";
import { WEBHOOK_PATHS } from "../../protocol/webhook-paths.ts";
import type { Config } from "../config.ts";
import { newIncomingKey, readWebhookName } from "../rooms/incoming-webhook.ts";
import { addressOf, print, roomNamed, withSite } from "./moderation.ts";
import { printTable } from "./table.ts";

/** Runs work with the settings of the environment, and ends the process. */
type RunCommand = (work: (config: Config) => Promise<void>) => Promise<void>;

/** Adds `chattera webhook`: the addresses at which programs post notices into a room. */
export function addWebhookCommands(program: Command, run: RunCommand): void {
  const webhook = program.command("webhook").description("addresses at which programs post notices into a room");
  webhook
    .command("make")
    .description("make an address, and print it: it is shown only now")
    .argument("<room>", "the room's name")
    .argument("<name>", "the name above the notices, such as CI")
    .option("--url <address>", "the address of the site, with its base path")
    .action((room: string, name: string, { url }: { url?: string }) =>
      run((config) => make(config, { room, name, url })),
    );
  webhook
    .command("list")
    .description("list the addresses of a room, without their keys")
    .argument("<room>", "the room's name")
    .option("--json", "print JSON")
    .action((room: string, { json }: { json?: true }) => run((config) => list(config, room, json === true)));
  webhook
    .command("revoke")
    .description("revoke an address, which is worth nothing from then on")
    .argument("<room>", "the room's name")
    .argument("<id>", "the id that chattera webhook list prints")
    .action((room: string, id: string) => run((config) => revoke(config, room, id)));
}

async function make(
  config: Config,
  { room, name, url }: { room: string; name: string; url: string | undefined },
): Promise<void> {
  const site = addressOf(config, url);
  await withSite(config, async ({ db }) => {
    const { id: roomId } = await roomNamed(db, room);
    const { id, key, hash } = newIncomingKey();
    const stored = { id, name: readWebhookName(name), roomId, keyHash: hash, by: undefined };
    if (!(await addIncomingWebhook(db, stored))) throw new StartError("The room has as many webhooks as it can have.");
    print(site + WEBHOOK_PATHS.incoming(key));
  });
}

async function list(config: Config, room: string, isJson: boolean): Promise<void> {
  await withSite(config, async ({ db }) => {
    const { id: roomId } = await roomNamed(db, room);
    const rows = (await listIncomingWebhooks(db, roomId)).map(({ id, name, madeAt, usedAt }) => ({
      ...{ id, name, made: madeAt.toISOString(), used: usedAt?.toISOString() ?? "" },
    }));
    if (isJson) print(JSON.stringify(rows, undefined, 2));
    else if (rows.length === 0) print("none");
    else printTable(rows);
  });
}

async function revoke(config: Config, room: string, id: string): Promise<void> {
  await withSite(config, async ({ db }) => {
    const { id: roomId } = await roomNamed(db, room);
    if (!(await removeIncomingWebhook(db, roomId, id)))
      throw new StartError(`There is no webhook ${id} in this room: chattera webhook list lists them.`);
    print("The address is revoked.");
  });
}
