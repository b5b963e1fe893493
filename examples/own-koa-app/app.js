import { createApp } from "chattera";
import Koa from "koa";
import mount from "koa-mount";

const chat = await createApp({ database: process.env.DATABASE_URL });

const app = new Koa();
app.use(mount("/chat", chat));
app.use((ctx) => {
  if (ctx.path !== "/") return;
  ctx.type = "html";
  ctx.body = `<!doctype html><title>My app</title><p>My own page. <a href="/chat/">The chat</a></p>`;
});

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port}`);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    chat.drain();
    server.close();
    await chat.close();
  });
}
