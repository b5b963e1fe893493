import { expect, test } from "@jest/globals";
import request from "supertest";
import { person, say } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";
import { from } from "../support/visitor.ts";

const site = useSite();
const EMPTY = "No messages yet";

/**
 * Returns the room's page, those without script, one that refreshes and one that grows, and the
 * room's part of the lobby.
 */
async function pagesOf(slug: string): Promise<string[]> {
  const language = { "accept-language": "en" };
  const visitor = from(site.url, "127.0.0.1");
  const page = await visitor.get(`/rooms/${slug}`, language);
  const refreshing = await visitor.get(`/rooms/${slug}/live;refresh=20`, language);
  const growing = await visitor.hold(`/rooms/${slug}/live`, language);
  await until("the log has arrived", async () => growing.text().includes('id="log"'));
  const lobby = await visitor.get("/", language);
  const item = lobby.text.split("<li").find((one) => one.includes(`value="${slug}"`)) ?? "";
  expect(item).not.toBe("");
  const texts = [page.text, refreshing.text, growing.text(), item];
  visitor.close();
  return texts;
}

test("the pages of a room say that it has no messages, until somebody or the site has said something", async () => {
  const ann = await person(site.url, "Ann");
  const post = (path: string, body: object) =>
    request(site.url).post(path).set("authorization", `Bearer ${ann.token}`).send(body);
  await post("/api/rooms", { slug: "quiet" }).expect(201);
  await post("/api/rooms/quiet/enter", {}).expect(200);
  for (const page of await pagesOf("quiet")) expect(page).toContain(EMPTY);
  await post("/api/rooms/quiet/settings", { description: "For notices" }).expect(200);
  const pages = await pagesOf("quiet");
  for (const page of pages) expect(page).not.toContain(EMPTY);
  for (const page of pages.slice(0, 3)) expect(page).toContain("For notices");
  await say(site.url, ann, { text: "first", room: "quiet" });
  for (const page of await pagesOf("quiet")) expect(page).not.toContain(EMPTY);
});
