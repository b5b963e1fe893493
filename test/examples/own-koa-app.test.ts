import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connect } from "../../client/index.ts";
import { createDatabase } from "../support/database.ts";
import { endExamples, runExample } from "../support/example.ts";
import { until } from "../support/until.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(async () => {
  await endExamples();
  await database.drop();
});

test("the Koa app has its own page and, below a path, the chat", async () => {
  const app = runExample("own-koa-app/app.js", [], { DATABASE_URL: database.url, PORT: "0" });
  const url = await until("the app listens", () => /http:\S+/.exec(app.printed())?.[0]);

  expect(await (await fetch(url)).text()).toContain("My own page");
  expect(await (await fetch(`${url}/chat/`)).text()).toContain("/chat/assets/main-");
  const ann = connect(`${url}/chat`, { room: "lobby", nickname: "Ann" });
  expect(await ann.send("hello")).toMatchObject({ text: "hello" });
  ann.close();

  expect(await app.end()).toBe(0);
});
