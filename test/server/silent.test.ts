import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { person, say, type TestPerson } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();

const post = (path: string, { token }: TestPerson, fields: object = {}) =>
  request(site.url).post(`/api/rooms/${path}`).set("authorization", `Bearer ${token}`).send(fields);

const eventsOf = async (room: string) =>
  (await request(site.url).get(`/api/rooms/${room}/messages`)).body.events as { kind: string }[];

const namesIn = async (room: string) =>
  ((await request(site.url).get(`/api/rooms/${room}/members`)).body.members as { nickname: string }[]).map(
    ({ nickname }) => nickname,
  );

beforeAll(async () => {
  await request(site.url).post("/api/rooms").send({ slug: "hush", silent: true }).expect(201);
});

describe("silent entry", () => {
  test("adds no line to the log, and neither does the leave, but the person is in the list", async () => {
    const ann = await person(site.url, "Ann");
    await post("hush/enter", ann, { silent: true }).expect(200);
    await post("hush/enter", ann, { silent: true }).expect(200);
    expect(await namesIn("hush")).toEqual(["Ann"]);
    expect(await eventsOf("hush")).toEqual([]);
    await post("hush/leave", ann).expect(200);
    expect(await namesIn("hush")).toEqual([]);
    expect(await eventsOf("hush")).toEqual([]);
  });

  test("changes nothing about what the person says, nor about those who enter aloud", async () => {
    const [ben, cat] = [await person(site.url, "Ben"), await person(site.url, "Cat")];
    await post("hush/enter", ben, { silent: "1" }).expect(200);
    await say(site.url, ben, { text: "psst", room: "hush" });
    await post("hush/enter", cat, { silent: false }).expect(200);
    await post("hush/leave", cat).expect(200);
    await post("hush/leave", ben).expect(200);
    expect((await eventsOf("hush")).map(({ kind }) => kind)).toEqual(["message", "enter", "leave"]);
  });

  test("is refused where the room does not allow it, and so is what is neither yes nor no", async () => {
    const dan = await person(site.url, "Dan");
    const refused = await post("lobby/enter", dan, { silent: true });
    expect([refused.status, refused.body.code]).toEqual([403, "forbidden"]);
    expect(await namesIn("lobby")).toEqual([]);
    for (const silent of [["1"], "yes", null, 2])
      expect([silent, (await post("hush/enter", dan, { silent })).status]).toEqual([silent, 400]);
  });

  test("is known to clients, and counted in the figures of readers at once", async () => {
    expect((await request(site.url).get("/api/rooms/hush")).body.room).toEqual({
      ...{ slug: "hush", title: "hush", silent: true, silentEntry: true, listed: true },
      ...{ description: "", pinned: "", password: false, locked: false, raid: false, links: true },
      ...{ slowSeconds: 0, newcomerSeconds: 0, mayRead: "everyone", mayEnter: "everyone", maySpeak: "everyone" },
    });
    const eve = await person(site.url, "Eve");
    const { cursor } = (await request(site.url).get("/api/rooms/hush")).body;
    await post("hush/enter", eve, { silent: true }).expect(200);
    await until("the figures", async () => {
      const { body } = await request(site.url).get("/api/poll").query({ room: "hush", after: cursor, wait: 2 });
      return body.signals.some((signal: { members: number }) => signal.members === 1);
    });
    await post("hush/leave", eve).expect(200);
  });

  test("works without script: the form has a box, and the page shows the person, but no line", async () => {
    const browser = request.agent(site.url);
    const page = await browser.get("/rooms/hush").set("accept-language", "ja").expect(200);
    expect(page.text).toContain("こっそり入室");
    expect((await browser.get("/rooms/lobby")).text).not.toContain('name="silent"');
    const token = /name="form_token" value="([^"]*)"/.exec(page.text)?.[1] ?? "";
    const form = { nickname: "Fay", silent: "1", form_token: token };
    await browser.post("/rooms/hush").type("form").send(form).expect(303);
    const inside = await browser.get("/rooms/hush").expect(200);
    expect(inside.text).toContain('id="say"');
    expect(inside.text).toMatch(/id="members"[^>]*>.*Fay/);
    expect((await eventsOf("hush")).map(({ kind }) => kind)).toEqual(["message", "enter", "leave"]);
  });

  test("is counted in the lobby, which does not name the person", async () => {
    const room = await until("the count", async () => {
      const { rooms } = (await request(site.url).get("/api/rooms")).body;
      const found = rooms.find(({ slug }: { slug: string }) => slug === "hush");
      return found.members === 1 && found;
    });
    expect(room.people).toEqual([]);
  });
});
