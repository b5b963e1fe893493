import { connect } from "node:net";
import { afterAll, expect, test } from "@jest/globals";
import { createDatabase } from "../support/database.ts";
import { endSites, startSite } from "../support/site-process.ts";

const database = createDatabase();

afterAll(async () => {
  await endSites();
  await (await database).drop();
});

test("a connection that sends request after request without reading answers is closed, and others are served", async () => {
  const { url } = await startSite((await database).url);
  const port = Number(new URL(url).port);
  const answersTo = (count: number, path: string) =>
    new Promise<number>((resolve) => {
      let text = "";
      const socket = connect(port, "127.0.0.1").setEncoding("latin1");
      socket.on("data", (part: string) => {
        text += part;
        if (text.split("HTTP/1.1 200").length > count) socket.end();
      });
      socket.on("error", () => undefined);
      socket.once("close", () => resolve(text.split("HTTP/1.1 200").length - 1));
      socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`.repeat(count));
    });
  expect(await answersTo(5, "/healthz")).toBe(5);
  for (const path of ["/", "/doctor", "/rooms/lobby"]) expect(await answersTo(1000, path)).toBeLessThanOrEqual(8);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});
