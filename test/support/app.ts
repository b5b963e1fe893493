import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import request from "supertest";
import { BATCH_MESSAGES } from "../../protocol/limits.ts";
import { type App, openApp } from "../../server/app.ts";
import type { AppSettings } from "../../server/app-settings.ts";
import { readOptions } from "../../server/config.ts";
import { withKeptPolls } from "../../server/http/verified-polls.ts";
import { createLog } from "../../server/log.ts";
import type { Site } from "../../server/site.ts";
import { createDatabase } from "./database.ts";

/** A node of the site under test, on a free port. */
export type TestNode = { app: App & { site: Site }; server: Server; url: string; close(): Promise<void> };

/** A site under test: nodes on a database of its own. */
export type TestSite = { databaseUrl: string; nodes: TestNode[]; close(): Promise<void> };

/**
 * Options of `createApp`. `seenMs` replaces the time that a connection counts as a sign of life.
 * `isHosted` serves the app as a host does that opens it by `createApp`.
 */
export type TestOptions = AppSettings & { seenMs?: number; isHosted?: boolean };

/** Opens `count` nodes on a fresh database. Limits are off unless the options say otherwise. */
export async function openSite(options: TestOptions = {}, count = 1): Promise<TestSite> {
  const database = await createDatabase();
  const nodes: TestNode[] = [];
  for (let n = 0; n < count; n += 1) nodes.push(await openNode(database.url, options));
  const close = async () => {
    for (const node of nodes) await node.close();
    await database.drop();
  };
  return { databaseUrl: database.url, nodes, close };
}

/**
 * Opens one more node on a database, as `chattera serve` does. LOG_LEVEL in the environment shows
 * its log.
 */
export async function openNode(
  databaseUrl: string,
  { seenMs, isHosted = false, ...options }: TestOptions = {},
  logger = createLog(process.env.LOG_LEVEL ?? "silent"),
): Promise<TestNode> {
  const config = readOptions({ limits: false, ...options, databaseUrl });
  const timed = { ...config, ...(seenMs !== undefined && { seenMs }) };
  const opened = await openApp(timed, { logger, keepsPolls: !isHosted });
  const app = Object.assign(opened.app, { site: opened.site });
  const server = createServer(withKeptPolls(app.site.verifiedPolls, app.callback()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    await app.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { app, server, url, close };
}

/** A person with a session. */
export type TestPerson = { id: string; nickname: string; token: string; cookie: string };

/** Opens a session under a nickname at a node. */
export async function person(url: string, nickname: string): Promise<TestPerson> {
  const { body, headers } = await request(url).post("/api/session").send({ nickname }).expect(201);
  return { id: body.member.id, nickname, token: body.token, cookie: String(headers["set-cookie"]).split(";")[0] ?? "" };
}

let messages = 0;

/** Returns a client id that nobody used before. */
export function clientId(): string {
  messages += 1;
  return `test-${process.pid}-${String(messages).padStart(6, "0")}`;
}

/** Sends messages to a room in few requests, as a client does after a cut. Returns the last seq. */
export async function sayAll(
  url: string,
  who: TestPerson,
  { texts, room = "lobby" }: { texts: string[]; room?: string },
): Promise<number> {
  const path = `/api/rooms/${encodeURIComponent(room)}/messages`;
  let seq = 0;
  for (let n = 0; n < texts.length; n += BATCH_MESSAGES) {
    const messages = texts.slice(n, n + BATCH_MESSAGES).map((text) => ({ id: clientId(), text }));
    const asked = request(url).post(path).set("authorization", `Bearer ${who.token}`).send({ messages });
    const { results } = (await asked.expect(200)).body as { results: { event: { seq: number } }[] };
    seq = results.at(-1)?.event.seq as number;
  }
  return seq;
}

/** Sends a message, by default to the lobby under a new id, and returns the body of the receipt. */
export async function say(
  url: string,
  who: TestPerson,
  message: string | { text: string; room?: string; id?: string },
): Promise<{ event: { seq: number; text: string }; cursor: string }> {
  const { text, room = "lobby", id = clientId() } = typeof message === "string" ? { text: message } : message;
  const path = `/api/rooms/${encodeURIComponent(room)}/messages`;
  const { status, body } = await request(url).post(path).set("authorization", `Bearer ${who.token}`).send({ id, text });
  if (status !== 201 && status !== 200)
    throw new Error(`the message was answered with ${status} ${JSON.stringify(body)}`);
  return body;
}
