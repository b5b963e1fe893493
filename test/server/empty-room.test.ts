import { expect, test } from "@jest/globals";
import request from "supertest";
import { person, say } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";
import { from } from "../support/visitor.ts";

const site = useSite();
const EMPTY = "No messages yet";

/** Returns the room's page, and those without script: one that refreshes, and one that grows. */
async function pagesOf(slug: string): Promise<string[]> {
  const language = { "accept-language": "en" };
  const visitor = from(site.url, "127.0.0.1");
  const page = await visitor.get(`/rooms/${slug}`, language);
  const refreshing = await visitor.get(`/rooms/${slug}/live;refresh=20`, language);
  const growing = await visitor.hold(`/rooms/${slug}/live`, language);
  await until("the log has arrived", async () => growing.text().includes('id="log"'));
  const texts = [page.text, refreshing.text, growing.text()];
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
  for (const page of await pagesOf("quiet")) {
    expect(page).toContain("For notices");
    expect(page).not.toContain(EMPTY);
  }
  await say(site.url, ann, { text: "first", room: "quiet" });
  for (const page of await pagesOf("quiet")) expect(page).not.toContain(EMPTY);
});
