import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Router from "@koa/router";
import { type Channel, createChannel, createSession } from "better-sse";
import Koa from "koa";
import pg from "pg";
import rawBody from "raw-body";
import { startEmbedded } from "../../db/embedded/start.ts";
import { serve } from "./serve.ts";

/**
 * The server that one writes in an hour with chattera's own parts: an INSERT and a NOTIFY per
 * message, and a channel per room.
 */
const folder = await mkdtemp(join(tmpdir(), "naive-"));
await chmod(folder, 0o755); // PostgreSQL does not run as root
const database = await startEmbedded({ dataDir: join(folder, "data") });

const pool = new pg.Pool({ connectionString: database.url, max: 10 });
await pool.query("create table messages (id bigserial primary key, room text not null, text text not null)");

const channels = new Map<string, Channel>();
const listener = new pg.Client(database.url);
await listener.connect();
await listener.query("listen messages");
listener.on("notification", ({ payload }) => {
  const message = JSON.parse(payload as string);
  channelOf(message.room).broadcast(message);
});

const router = new Router();
router.post("/messages", async (ctx) => {
  const { room } = ctx.query;
  const text = await rawBody(ctx.req, { encoding: "utf8" });
  const { rows } = await pool.query("insert into messages (room, text) values ($1, $2) returning id", [room, text]);
  await pool.query("select pg_notify('messages', $1)", [JSON.stringify({ room, id: rows[0].id, text })]);
  ctx.status = 204;
});
router.get("/events", async (ctx) => {
  ctx.respond = false;
  ctx.status = 200;
  const session = await createSession(ctx.req, ctx.res);
  channelOf(ctx.query.room as string).register(session);
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stop);
serve(createServer(new Koa().use(router.routes()).callback()));

function channelOf(room: string): Channel {
  const channel = channels.get(room) ?? createChannel();
  channels.set(room, channel);
  return channel;
}

async function stop(): Promise<void> {
  await Promise.all([listener.end(), pool.end()]);
  await database.stop();
  await rm(folder, { recursive: true });
  process.exit();
}
