import { expect, test } from "@jest/globals";
import request from "supertest";
import type { RoomEvent } from "../../protocol/event.ts";
import { createLines } from "../../server/process/join-lines.ts";
import { openStream } from "../../server/testing.ts";
import { clientId, openNode, person, say, type TestPerson } from "../support/app.ts";
import { OPERATOR_SECRET, operator } from "../support/operator.ts";
import { runCommand } from "../support/run-command.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const options = { operatorSecret: OPERATOR_SECRET };
const site = useSite(options);

let rooms = 0;

const as = (who: TestPerson, path: string, body: object = {}) =>
  request(site.url).post(path).set("authorization", `Bearer ${who.token}`).send(body);

/** Makes a room in whose log its owner, a program and the host's code have said something. */
async function makeRoom() {
  rooms += 1;
  const slug = `noted-${rooms}`;
  const owner = await person(site.url, `Nora${rooms}`);
  await as(owner, "/api/rooms", { slug }).expect(201);
  const { cursor } = await say(site.url, owner, { room: slug, text: "before" });
  const { body: made } = await as(owner, `/api/rooms/${slug}/webhooks`, { name: "Alarm" }).expect(201);
  const hook = new URL(made.webhook.url).pathname;
  await as(owner, `/api/rooms/${slug}/settings`, { title: `unlawful title ${rooms}`, pinned: "unlawful pin" });
  await request(site.url).post(hook).send({ text: "unlawful alarm", id: "alarm-1" }).expect(200);
  await site.node.app.notice(slug, "unlawful news", { id: `the-news-${rooms}` });
  await as(owner, `/api/rooms/${slug}/messages`, { id: clientId(), text: "/roll 1d6" }).expect(201);
  return { slug, owner, cursor, hook, webhookId: made.webhook.id as string };
}

const logOf = async (slug: string): Promise<RoomEvent[]> =>
  (await request(site.url).get(`/api/rooms/${slug}/messages?limit=200`)).body.events;

/** Returns the notices that have unlawful words. */
const unlawful = async (slug: string) =>
  (await logOf(slug)).filter(({ kind, text }) => kind === "notice" && text?.includes("unlawful"));

test("a moderator erases titles, announcements, webhooks' texts and the host's, on all nodes and paths", async () => {
  const other = await openNode(site.databaseUrl, options);
  const { slug, owner, cursor, hook } = await makeRoom();
  const reader = await person(site.url, "Reader");
  const found = await unlawful(slug);
  expect(found.map(({ text }) => text?.replace(/^.*: /, ""))).toEqual([
    expect.stringContaining("unlawful title"),
    "unlawful pin",
    "unlawful alarm",
    "unlawful news",
  ]);
  await as(reader, `/api/rooms/${slug}/report`, { seq: found[2]?.seq, reason: "bad" }).expect(201);
  // The setting is changed apart from the log.
  await as(owner, `/api/rooms/${slug}/settings`, { title: "Lawful", pinned: "" }).expect(200);
  const streams = [await openStream(site.url, { room: slug }), await openStream(other.url, { room: slug })];
  const growing = await fetch(`${other.url}/rooms/${slug}/live?after=${cursor}`);
  for (const { seq } of found) await as(owner, `/api/rooms/${slug}/erase`, { seq }).expect(200, /"erased":1[,}]/);
  for (const stream of streams) {
    const erases = found.map(({ seq: target, member }) => ({ kind: "erase", target, member, by: "moderator" }));
    expect(await stream.events(4)).toMatchObject(erases);
    await stream.close();
  }
  // A line that was sent cannot change, so the page ends.
  expect(await growing.text()).toContain("unlawful title");
  for (const url of [site.url, other.url])
    for (const place of [
      `/api/rooms/${slug}`,
      `/api/rooms/${slug}/messages?limit=200`,
      `/api/rooms/${slug}/messages?limit=200&callback=f`,
      `/api/rooms/${slug}/durable?offset=-1`,
      `/api/rooms/${slug}/search?text=unlawful`,
      `/api/poll?room=${slug}&wait=0&after=${cursor}`,
      `/api/poll?room=${slug}&wait=0&after=${cursor}&callback=f`,
      `/rooms/${slug}`,
      `/rooms/${slug}/live/refresh=10/after=${cursor}`,
      `/rooms/${slug}/log.txt`,
      "/api/rooms",
      "/",
    ]) {
      const ask = async () => (await fetch(url + place)).text();
      await until(`${place} is clean`, async () => !/unlawful (title|pin|alarm|news)/.test(await ask()));
    }
  const op = await operator(site.url);
  expect((await op.get(`/api/rooms/${slug}/reports`)).text).not.toContain("unlawful");
  expect((await op.get(`/api/rooms/${slug}/moderation`)).text).not.toContain("unlawful");
  expect(await site.node.app.site.db("events").whereRaw("events::text ~ 'unlawful'")).toEqual([]);
  const log = await logOf(slug);
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, n) => n + 1));
  for (const { seq, member, at } of found) {
    const event = log[seq - 1] as RoomEvent;
    expect(event).toMatchObject({ kind: "notice", erased: true, member, at });
    expect(event).not.toHaveProperty("text");
    expect(createLines(1).of(event).join()).toContain("(erased)");
    // It has no page, and it cannot be erased again.
    await request(site.url).get(`/rooms/${slug}/${seq}`).expect(404);
    await as(owner, `/api/rooms/${slug}/erase`, { seq }).expect(404, /"code":"no_such_message"/);
  }
  // A program or the host's code that sends the same again gets the first event.
  const { body } = await request(site.url).post(hook).send({ text: "unlawful alarm", id: "alarm-1" }).expect(200);
  expect(body.seq).toBe(found[2]?.seq);
  expect(await site.node.app.notice(slug, "unlawful news", { id: `the-news-${rooms}` })).toMatchObject({
    erased: true,
  });
  expect(await unlawful(slug)).toEqual([]);
  await other.close();
}, 30_000);

test("everything of a person includes what they announced, and of a webhook what it posted", async () => {
  const { slug, owner, webhookId } = await makeRoom();
  const stranger = await person(site.url, "Stranger");
  await say(site.url, stranger, { room: slug, text: "/roll 2d6" });
  const op = await operator(site.url);
  await as(stranger, `/api/rooms/${slug}/erase`, { member: owner.id }).expect(403);
  const own = (await logOf(slug)).filter(({ member, text }) => member.id === owner.id && text !== undefined);
  expect(own.map(({ kind }) => kind)).toEqual(["message", "notice", "notice", "notice", "notice"]);
  await op.post("/api/operate/erase", { member: owner.id }).expect(200, /"erased":5[,}]/);
  expect((await unlawful(slug)).map(({ text }) => text)).toEqual(["unlawful alarm", "unlawful news"]);
  await op.post(`/api/rooms/${slug}/erase`, { member: `webhook-${webhookId}` }).expect(200, /"erased":1[,}]/);
  expect((await unlawful(slug)).map(({ text }) => text)).toEqual(["unlawful news"]);
  const kept = (await logOf(slug)).filter(({ kind, text }) => kind === "notice" && text !== undefined);
  expect(kept.map(({ text }) => text)).toEqual(["unlawful news", expect.stringContaining("2d6")]);
  expect(await op.post(`/api/rooms/${slug}/erase`, { member: owner.id })).toMatchObject({ body: { erased: 0 } });
});

test("everything of a trip includes the titles and rolls of its holder", async () => {
  const trippy = await person(site.url, "Trippy#a secret of trips");
  const { body: session } = await request(site.url).get("/api/session").set("authorization", `Bearer ${trippy.token}`);
  await as(trippy, "/api/rooms", { slug: "of-a-trip" }).expect(201);
  await as(trippy, "/api/rooms/of-a-trip/settings", { description: "unlawful description" }).expect(200);
  await say(site.url, trippy, { room: "of-a-trip", text: "/omikuji" });
  const op = await operator(site.url);
  await op.post("/api/operate/erase", { trip: session.member.trip }).expect(200, /"erased":2[,}]/);
  expect((await logOf("of-a-trip")).filter(({ text }) => text !== undefined)).toEqual([]);
});

test("the command line erases a notice, too, and an enter stays what it is", async () => {
  const { slug, owner } = await makeRoom();
  const [title] = await unlawful(slug);
  const settings = { DATABASE_URL: site.databaseUrl };
  const done = await runCommand(["erase", "--room", slug, "--seq", String(title?.seq)], settings);
  expect([done.code, done.out]).toEqual([0, "1 message is erased.\n"]);
  expect((await unlawful(slug)).map(({ seq }) => seq)).not.toContain(title?.seq);
  const enter = (await logOf(slug)).find(({ kind }) => kind === "enter");
  await as(owner, `/api/rooms/${slug}/erase`, { seq: enter?.seq }).expect(404, /"code":"no_such_message"/);
}, 30_000);

test("a page without script leads from a notice to the form that erases it, also the owner's own", async () => {
  const { slug, owner } = await makeRoom();
  const form = { cookie: owner.cookie, origin: site.url, "content-type": "application/x-www-form-urlencoded" };
  for (const { seq } of await unlawful(slug)) {
    const acts = `/rooms/${slug}/${seq}/acts`;
    const { text: room } = await request(site.url).get(`/rooms/${slug}`).set("cookie", owner.cookie).expect(200);
    expect(room).toContain(`href="${acts}"`);
    const { text: page } = await request(site.url).get(acts).set("cookie", owner.cookie).expect(200);
    expect(page).toContain('id="erase"');
    expect(page).toContain("unlawful");
    const { headers } = await request(site.url).post(acts).set(form).send("act=erase").expect(303);
    expect(headers.location).toBe(`${acts};done=erased`);
    await request(site.url).get(acts).set("cookie", owner.cookie).expect(404);
  }
  const { text } = await request(site.url).get(`/rooms/${slug}`).set({ "accept-language": "en" });
  expect(text.match(/class="line notice erased"/g)).toHaveLength(4);
  expect(text.match(/class="text">This message was erased\.</g)).toHaveLength(4);
});
