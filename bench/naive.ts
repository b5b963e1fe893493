import Router from "@koa/router";
import { createChannel, createSession } from "better-sse";
import Koa from "koa";
import pg from "pg";
import rawBody from "raw-body";

/**
 * The yardstick: what one writes in an hour with the same parts, an INSERT and a NOTIFY a message and better-sse's
 * channel. It speaks enough of the wire for crowd.ts; it checks nothing, and a seq is whatever the database counts.
 */
const url = process.env.DATABASE_URL as string;
const pool = new pg.Pool({ connectionString: url, max: 10 });
await pool.query("create table if not exists naive (seq bigserial primary key, text text not null)");
await pool.query("truncate naive restart identity");

const channel = createChannel();
const listener = new pg.Client(url);
await listener.connect();
await listener.query("listen naive");
listener.on("notification", ({ payload }) => {
  const event = JSON.parse(payload as string);
  channel.broadcast(event, "message");
});

const router = new Router();
router.post("/api/rooms", (ctx) => answer(ctx, 201, {}));
router.post("/api/session", (ctx) => answer(ctx, 201, { token: "x" }));
router.post("/api/rooms/:room/enter", (ctx) => answer(ctx, 200, {}));
router.post("/api/rooms/:room/messages", async (ctx) => {
  const { text } = JSON.parse((await rawBody(ctx.req)).toString());
  const { rows } = await pool.query("insert into naive (text) values ($1) returning seq::int", [text]);
  const event = { seq: rows[0].seq, kind: "message", text };
  await pool.query("select pg_notify('naive', $1)", [JSON.stringify(event)]);
  answer(ctx, 201, { event });
});
router.get("/api/events", async (ctx) => {
  ctx.respond = false;
  ctx.status = 200;
  const session = await createSession(ctx.req, ctx.res);
  session.push({}, "hello");
  channel.register(session);
});

const app = new Koa();
app.use(router.routes());
const server = app.listen(Number(process.env.PORT), "127.0.0.1", () => {
  const { port } = server.address() as { port: number };
  process.stderr.write(`chattera is at http://127.0.0.1:${port}\n`);
});

function answer(ctx: Koa.Context, status: number, body: object): void {
  ctx.status = status;
  ctx.body = body;
}
