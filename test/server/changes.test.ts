import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import type { PollAnswer, RoomEvent } from "../../protocol/event.ts";
import { openStream } from "../../server/testing.ts";
import { clientId, openNode, person, say, type TestPerson } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
let ann: TestPerson;
let bob: TestPerson;

beforeAll(async () => {
  ann = await person(site.url, "Ann");
  bob = await person(site.url, "Bob");
});

const bearer = (who: TestPerson) => ["authorization", `Bearer ${who.token}`] as const;
const messages = "/api/rooms/lobby/messages";

const post = (path: string, body: object = {}, who = ann) =>
  request(site.url)
    .post(path)
    .set(...bearer(who))
    .send(body);

const edit = (seq: number, body: object, who = ann) => post(`${messages}/${seq}/edit`, body, who);
const erase = (seq: number, body: object = {}, who = ann) => post(`${messages}/${seq}/erase`, body, who);

async function history(limit = 50): Promise<RoomEvent[]> {
  return (await request(site.url).get(`${messages}?limit=${limit}`)).body.events;
}

describe("an author", () => {
  test("edits a message, which reaches readers as an event and history as the message", async () => {
    const stream = await openStream(site.url, { room: "lobby" });
    const { event } = await say(site.url, ann, "helo");
    const { body } = await edit(event.seq, { text: "hello" }).expect(201);
    expect(body).toMatchObject({ chattera: 1, event: { kind: "edit", target: event.seq, text: "hello" } });
    const found = (await stream.events(3)).find(({ kind }) => kind === "edit");
    expect(found).toEqual(body.event);
    expect(body.cursor).toBe(stream.cursor());
    expect((await history()).find(({ seq }) => seq === event.seq)).toMatchObject({ text: "hello", edited: true });
    await stream.close();
  });

  test("erases a message, and asks again without another event", async () => {
    const { event } = await say(site.url, ann, "oops");
    const first = await erase(event.seq).expect(201);
    const again = await erase(event.seq).expect(200);
    expect(again.body).toEqual(first.body);
    const found = (await history()).find(({ seq }) => seq === event.seq);
    expect(found).toMatchObject({ kind: "message", erased: true, member: { id: ann.id } });
    expect(found).not.toHaveProperty("text");
  });

  test("does either by GET where POST is blocked, as JSON or as a script", async () => {
    const { event } = await say(site.url, ann, "by post");
    const path = `${messages}/${event.seq}`;
    const edited = await request(site.url).get(`${path}/edit;text=by%20get;token=${ann.token};n=x1`).expect(201);
    expect(edited.body).toMatchObject({ n: "x1", event: { kind: "edit", text: "by get" } });
    const script = await request(site.url).get(`${path}/erase?token=${ann.token}&callback=f`).expect(201);
    expect(script.text).toMatch(/^\/\*\*\/f\(\{"chattera":1,.*"kind":"erase".*\}\);$/);
    await request(site.url).head(`${path}/erase?token=${ann.token}`).expect(405);
  });

  test.each([
    ["somebody else's message", 403, "not_yours", async () => erase((await say(site.url, bob, "mine")).event.seq)],
    ["a message that does not exist", 404, "no_such_message", () => erase(1_000_000)],
    ["an enter", 404, "no_such_message", () => erase(1)],
    ["number 0", 404, "no_such_page", () => erase(0)],
    ["a number with a zero before it", 404, "no_such_page", () => post(`${messages}/01/erase`)],
    ["no number", 404, "no_such_page", () => post(`${messages}/x/erase`)],
    ["a number too large for a log", 404, "no_such_message", () => post(`${messages}/99999999999999999999/erase`)],
    ["in an unknown room", 404, "no_such_room", () => post("/api/rooms/nowhere/messages/1/erase")],
    ["to an empty text", 400, "text_invalid", async () => edit(await mine(), { text: " " })],
    ["to no text", 400, "text_invalid", async () => edit(await mine(), {})],
    ["to a list", 400, "malformed", async () => edit(await mine(), { text: ["a"] })],
    ["to a text that is too long", 400, "text_invalid", async () => edit(await mine(), { text: "x".repeat(2001) })],
    ["under an id that is none", 400, "malformed", async () => erase(await mine(), { id: "short" })],
  ])("cannot change %s", async (...[, status, code, ask]) => {
    expect((await ask()).body).toMatchObject({ status, code });
  });

  test("needs a session", async () => {
    const { body } = await request(site.url).post(`${messages}/1/erase`).send({}).expect(401);
    expect(body.code).toBe("no_session");
  });

  test("cannot use the id of another event for a change", async () => {
    const id = clientId();
    await say(site.url, ann, { text: "with this id", id });
    expect((await erase(await mine(), { id })).body).toMatchObject({ status: 400, code: "malformed" });
  });

  async function mine(): Promise<number> {
    return (await say(site.url, ann, "mine")).event.seq;
  }
});

test("after the limit, and where changes are off, a message stays as it is", async () => {
  const node = await openNode(site.databaseUrl, { editMinutes: 0 });
  const { event } = await say(node.url, ann, "for ever");
  const { body } = await request(node.url)
    .post(`${messages}/${event.seq}/erase`)
    .set(...bearer(ann))
    .send({});
  expect(body).toMatchObject({ status: 409, code: "too_late" });
  await node.close();
});

describe("a reader from before a change", () => {
  test("gets the message as it is now, from the memory of the node", async () => {
    const { cursor } = await say(site.url, bob, "before");
    const { event } = await say(site.url, ann, "never seen again");
    await edit(event.seq, { text: "nor this" });
    await erase(event.seq);
    for (const path of ["/api/poll?room=lobby&wait=0", "/api/events?room=lobby", "/api/stream?room=lobby"]) {
      const text = await textOf(`${path}&after=${cursor}`, `"seq":${event.seq + 2}`);
      expect(text).toContain('"erased":true');
      expect(text).not.toMatch(/never seen again|nor this/);
    }
  });

  test("gets the answers to resends without the text, alone and in a batch", async () => {
    const id = clientId();
    const { event } = await say(site.url, ann, { text: "sent twice", id });
    await erase(event.seq);
    const alone = await post(messages, { id, text: "sent twice" }).expect(200);
    const together = await post(messages, {
      messages: [
        { id, text: "sent twice" },
        { id: clientId(), text: "another" },
      ],
    }).expect(200);
    for (const found of [alone.body.event, together.body.results[0].event]) {
      expect(found).toMatchObject({ seq: event.seq, erased: true });
      expect(found).not.toHaveProperty("text");
    }
  });

  test("gets the event from a poll that waits", async () => {
    const { cursor, event } = await say(site.url, ann, "waited for");
    const poll = fetch(`${site.url}/api/poll?room=lobby&wait=5&after=${cursor}`);
    await erase(event.seq);
    const { events } = (await (await poll).json()) as PollAnswer;
    expect(events).toMatchObject([{ kind: "erase", target: event.seq }]);
  });

  async function textOf(path: string, end: string): Promise<string> {
    const done = new AbortController();
    const response = await fetch(site.url + path, { signal: done.signal });
    let text = "";
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece;
      if (text.includes(end)) break;
    }
    done.abort();
    return text;
  }
});

describe("a reply", () => {
  test("has the number of what it answers, alone, by GET, in a batch and in a form", async () => {
    const { event: asked } = await say(site.url, bob, "who?");
    const reply = asked.seq;
    const alone = await post(messages, { id: clientId(), text: "me", reply }).expect(201);
    expect(alone.body.event).toMatchObject({ kind: "message", reply });
    const query = `id=${clientId()};text=me;reply=${reply};token=${ann.token}`;
    const byGet = await request(site.url).get(`/api/rooms/lobby/say;${query}`).expect(201);
    expect(byGet.body.event).toMatchObject({ reply });
    const batch = { messages: [1, 2].map((n) => ({ id: clientId(), text: "me", ...(n === 2 && { reply }) })) };
    const { body } = await post(messages, batch).expect(200);
    expect(body.results.map((one: { event: { reply?: number } }) => one.event.reply)).toEqual([undefined, reply]);
    const form = new URLSearchParams();
    for (const answered of ["", String(reply)]) {
      form.append("id", clientId());
      form.append("text", "me");
      form.append("reply", answered);
    }
    const byForm = await request(site.url)
      .post(messages)
      .set(...bearer(ann))
      .type("form")
      .send(form.toString())
      .expect(200);
    expect(byForm.body.results.map((one: { event: { reply?: number } }) => one.event.reply)).toEqual([
      undefined,
      reply,
    ]);
    expect((await history()).filter((event) => event.kind === "message" && event.reply === reply)).toHaveLength(4);
  });

  test.each([
    ["to a message that does not exist", 1_000_000, 404, "no_such_message"],
    ["to an enter", 1, 404, "no_such_message"],
    ["to a word", "x", 400, "malformed"],
    ["to 0", 0, 400, "malformed"],
    ["to a list", [1], 400, "malformed"],
  ])("%s is refused", async (...[, reply, status, code]) => {
    const { body } = await post(messages, { id: clientId(), text: "me", reply });
    expect(body).toMatchObject({ status, code });
  });

  test("to nothing is refused alone, and the rest of its batch is stored in order", async () => {
    const texts = ["one", "two", "three"];
    const batch = texts.map((text) => ({ id: clientId(), text, ...(text === "two" && { reply: 1_000_000 }) }));
    const { body } = await post(messages, { messages: batch }).expect(200);
    expect(body.results).toMatchObject([{ event: { text: "one" } }, { code: "no_such_message" }, { isNew: true }]);
  });
});

describe("a command", () => {
  const roll = async (text: string, id = clientId()) => (await post(messages, { id, text })).body;

  test.each([
    ["/roll 2d6", /^2d6 = (\d) \+ (\d) = (\d+)$/, 2, 12],
    ["/roll 1d20", /^1d20 = (\d+)$/, 1, 20],
    ["/roll 3d2+4", /^3d2\+4 = \d \+ \d \+ \d \+ 4 = (\d+)$/, 7, 10],
    ["/roll 1d2-1", /^1d2-1 = [12] - 1 = ([01])$/, 0, 1],
    ["/ROLL 20d1000 ", /^20d1000 = [\d+ ]+ = (\d+)$/, 20, 20_000],
    ["／ｒｏｌｌ　２ｄ６", /^2d6 = \d \+ \d = (\d+)$/, 2, 12],
  ])("%j becomes a notice with the result", async (...[text, shape, least, most]) => {
    const { event } = await roll(text);
    expect(event).toMatchObject({ kind: "notice", member: { id: ann.id }, text: expect.stringMatching(shape) });
    const total = Number(/\d+$/.exec(event.text)?.[0]);
    expect(total).toBeGreaterThanOrEqual(least);
    expect(total).toBeLessThanOrEqual(most);
    expect((await history(1))[0]).toMatchObject({ kind: "notice", seq: event.seq });
  });

  test.each(["/roll", "/roll 0d6", "/roll 21d6", "/roll 1d1", "/roll 1d1001", "/roll 2d6+1001", "/roll 2d6 = 12"])(
    "%j is refused",
    async (text) => {
      expect(await roll(text)).toMatchObject({ status: 400, code: "dice_invalid" });
    },
  );

  test("/omikuji becomes a fortune", async () => {
    const { event } = await roll("/omikuji");
    expect(event).toMatchObject({
      kind: "notice",
      text: expect.stringMatching(/^おみくじ \(omikuji\): .{1,2} \(.*luck.*\)$/),
    });
  });

  test("that is resent has the first result", async () => {
    const id = clientId();
    const first = await roll("/roll 20d1000", id);
    expect(await roll("/roll 20d1000", id)).toEqual(first);
  });

  test.each([
    ["//roll 2d6", "/roll 2d6"],
    ["//omikuji", "/omikuji"],
    ["/help", "/help"],
    ["/rolling", "/rolling"],
    ["// a comment", "// a comment"],
    ["a /roll 2d6", "a /roll 2d6"],
  ])("%j says %j", async (text, said) => {
    expect((await roll(text)).event).toMatchObject({ kind: "message", text: said });
  });

  test("is thrown by the server's chance: of 60 rolls, every side comes", async () => {
    const batch = Array.from({ length: 3 }, () => ({ id: clientId(), text: "/roll 20d6" }));
    const { body } = await post(messages, { messages: batch });
    const sides = body.results.flatMap((one: { event: RoomEvent }) => one.event.text?.match(/(?<=[=+] )\d(?= )/g));
    expect(new Set(sides).size).toBe(6);
  });
});

describe("a rename", () => {
  const rename = (who: TestPerson, body: object) => post("/api/rooms/lobby/rename", body, who);

  test("is one event, keeps the place in the list of people, and answers with a token of that name", async () => {
    const cai = await person(site.url, "Cai");
    await say(site.url, cai, "here");
    const { event: last } = await say(site.url, await person(site.url, "Dan"), "here too");
    const { body } = await rename(cai, { nickname: "Kai" }).expect(200);
    expect(body).toMatchObject({ member: { id: cai.id, nickname: "Kai" }, token: expect.any(String) });
    const [renamed] = (await history()).slice(-1);
    expect(renamed).toMatchObject({
      seq: last.seq + 1,
      kind: "rename",
      member: { id: cai.id, nickname: "Kai" },
      former: { id: cai.id, nickname: "Cai" },
    });
    const people = await until("Kai is in the list", async () => {
      const { members } = (await request(site.url).get("/api/rooms/lobby")).body;
      const names = members.map((member: { nickname: string }) => member.nickname);
      return names.includes("Kai") && names;
    });
    expect(people.slice(-2)).toEqual(["Kai", "Dan"]);
    const { event } = await say(site.url, { ...cai, token: body.token }, "still here");
    expect(event).toMatchObject({ seq: last.seq + 2, member: { nickname: "Kai" } });
  });

  test("to the same name adds nothing, and a new color is an event", async () => {
    const eve = await person(site.url, "Eve");
    const { event } = await say(site.url, eve, "here");
    await rename(eve, { nickname: "Eve" }).expect(200);
    const { body } = await rename(eve, { nickname: "Eve", color: "#2f6b1e" }).expect(200);
    expect(body.member).toMatchObject({ nickname: "Eve", color: "#2f6b1e" });
    expect((await history()).slice(-1)).toMatchObject([{ seq: event.seq + 1, kind: "rename" }]);
  });

  test("of a member who is not in the room enters it", async () => {
    const fay = await person(site.url, "Fay");
    await rename(fay, { nickname: "Faye" }).expect(200);
    expect((await history()).slice(-1)).toMatchObject([{ kind: "enter", member: { id: fay.id, nickname: "Faye" } }]);
  });

  test("sets the cookie of a browser that has one", async () => {
    const gus = await person(site.url, "Gus");
    await say(site.url, gus, "here");
    const { headers } = await request(site.url)
      .post("/api/rooms/lobby/rename")
      .set("cookie", gus.cookie)
      .set("sec-fetch-site", "same-origin")
      .send({ nickname: "Gustav" })
      .expect(200);
    const [cookie = ""] = [headers["set-cookie"]].flat();
    const { body } = await request(site.url)
      .get("/api/session")
      .set("cookie", String(cookie).split(";")[0] as string);
    expect(body.member).toMatchObject({ id: gus.id, nickname: "Gustav" });
  });

  test("by GET takes the token from the header or the URL, and no ticket", async () => {
    const hal = await person(site.url, "Hal");
    await say(site.url, hal, "here");
    const { body } = await request(site.url)
      .get("/api/rooms/lobby/rename;nickname=Hank")
      .set(...bearer(hal))
      .expect(200);
    expect(body.member.nickname).toBe("Hank");
    await request(site.url).get(`/api/rooms/lobby/rename;nickname=Henry;token=${hal.token}`).expect(200);
    const { ticket } = (await post("/api/session/ticket", {}, hal)).body;
    await request(site.url).get(`/api/rooms/lobby/rename;nickname=Harry;ticket=${ticket}`).expect(401);
  });

  test.each([
    ["that somebody has", "Ann", 409, "nickname_taken"],
    ["that looks like somebody's", "ＢＯＢ", 409, "nickname_taken"],
    ["that is reserved", "admin", 409, "reserved"],
    ["that is none", " ", 400, "nickname_invalid"],
    ["with a secret that is too short", "Ida#x", 400, "secret_invalid"],
  ])("to a name %s is refused", async (...[, nickname, status, code]) => {
    const ida = await person(site.url, `Ida ${clientId().slice(-3)}`);
    await say(site.url, ida, "here");
    await say(site.url, ann, "here");
    await say(site.url, bob, "here");
    expect((await rename(ida, { nickname })).body).toMatchObject({ status, code });
  });
});
