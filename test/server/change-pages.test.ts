import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { openNode, person, say, type TestPerson } from "../support/app.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
let ben: TestPerson;
let cleo: Visitor;

beforeAll(async () => {
  cleo = await enter("Cleo");
  ben = await person(site.url, "Ben");
});

/** A browser without script in the lobby: its cookies, and what it does with forms. */
type Visitor = {
  get(path: string, language?: string): request.Test;
  send(path: string, fields: { [name: string]: string }, from?: string): Promise<request.Response>;
  say(text: string): Promise<number>;
};

async function enter(nickname: string, url = site.url): Promise<Visitor> {
  const browser = request.agent(url);
  const get = (path: string, language = "en") => browser.get(path).set("accept-language", language);
  const send: Visitor["send"] = async (path, fields, from = path) => {
    const { text } = await get(from);
    const form_token = /name="form_token" value="([^"]*)"/.exec(text)?.[1] ?? "";
    return browser
      .post(path)
      .set("accept-language", "en")
      .type("form")
      .send({ form_token, ...fields });
  };
  const sayHere = async (text: string) => {
    const id = `by-form-${Math.random().toString(36).slice(2)}`;
    expect((await send("/rooms/lobby", { text, id })).status).toBe(303);
    const { body } = await request(url).get("/api/rooms/lobby/messages?limit=1");
    return body.events.at(-1).seq as number;
  };
  expect((await send("/rooms/lobby", { nickname })).status).toBe(303);
  return { get, send, say: sayHere };
}

const changeOf = (seq: number) => `/rooms/lobby/${seq}/change`;

async function messageAt(seq: number): Promise<{ text?: string; erased?: true; reply?: number }> {
  const { body } = await request(site.url).get("/api/rooms/lobby/messages?limit=200");
  return body.events.find((event: { seq: number }) => event.seq === seq);
}

describe("without script, a message of one's own", () => {
  test("has a link to its page, whose form edits it and leads back to it", async () => {
    const ann = await enter("Ann");
    const seq = await ann.say("helo");
    const link = `<a class="act" href="${changeOf(seq)}" target="_top"`;
    expect((await ann.get("/rooms/lobby")).text).toContain(`<noscript> <a class="act" href="/rooms/lobby?reply=${seq}`);
    for (const path of ["/rooms/lobby", `/rooms/lobby/${seq}`, "/rooms/lobby/live?refresh=10"])
      expect((await ann.get(path).expect(200)).text).toContain(link);
    const { text } = await ann.get(changeOf(seq)).expect(200);
    expect(text).toContain(">\nhelo</textarea>");
    const answer = await ann.send(changeOf(seq), { text: "hello\r\nall" });
    expect([answer.status, answer.headers.location]).toEqual([303, `/rooms/lobby/${seq}`]);
    expect(await messageAt(seq)).toMatchObject({ text: "hello\nall", edited: true });
  });

  test("is erased by a button, which leads to the room", async () => {
    const ann = await enter("Anna");
    const seq = await ann.say("oops");
    expect((await ann.send(changeOf(seq), { erase: "0", text: "oops" })).status).toBe(303);
    expect(await messageAt(seq)).toMatchObject({ text: "oops" });
    const answer = await ann.send(changeOf(seq), { erase: "1" });
    expect([answer.status, answer.headers.location]).toEqual([303, "/rooms/lobby"]);
    expect(await messageAt(seq)).toMatchObject({ erased: true });
    const { text } = await ann.get(changeOf(seq)).expect(404);
    expect(text).toContain('data-code="no_such_message"');
    expect((await ann.get("/rooms/lobby")).text).not.toContain(changeOf(seq));
  });

  test("keeps a text that is refused in the form, with the reason", async () => {
    const ann = await enter("Anne");
    const seq = await ann.say("short");
    const long = "x".repeat(2001);
    const { status, text } = await ann.send(changeOf(seq), { text: long });
    expect([status, text.includes(long)]).toEqual([400, true]);
    expect(text).toContain("A message needs 1 to 2000 characters.");
    expect(await messageAt(seq)).toMatchObject({ text: "short" });
  });

  test("stays as it is after the limit, and its page says so and leads back", async () => {
    const node = await openNode(site.databaseUrl, { editMinutes: 0 });
    const ann = await enter("Annika", node.url);
    const seq = await ann.say("for ever");
    expect((await ann.get("/rooms/lobby")).text).not.toContain(changeOf(seq));
    const { text } = await ann.get(changeOf(seq)).expect(409);
    expect(text).toContain('data-code="too_late"');
    expect(text).toContain('<a class="button" href="/rooms/lobby">');
    expect((await ann.get(changeOf(seq), "ja")).text).toContain("この発言を変更できる時間を過ぎました。");
    const sent = await ann.send(changeOf(seq), { text: "not for ever" }, "/rooms/lobby");
    expect([sent.status, sent.text.includes("not for ever")]).toEqual([409, true]);
    await node.close();
  });
});

describe("the page of a message", () => {
  test.each([
    ["somebody else's", 403, "not_yours", async () => (await say(site.url, ben, "mine")).event.seq],
    ["missing", 404, "no_such_message", async () => 1_000_000],
    ["too large a number", 404, "no_such_message", async () => "99999999999999999999"],
    ["somebody who entered", 404, "no_such_message", async () => 1],
  ])("that is %s cannot be changed, by a link or by a form", async (...[, status, code, seqOf]) => {
    const path = `/rooms/lobby/${await seqOf()}/change`;
    const answers = [await cleo.get(path), await cleo.send(path, { text: "forged" }, "/rooms/lobby")];
    answers.push(await cleo.send(path, { erase: "1" }, "/rooms/lobby"));
    for (const { status: answered, text } of answers)
      expect([answered, /data-code="(\w+)"/.exec(text)?.[1]]).toEqual([status, code]);
  });

  test("needs a session and a form of this site", async () => {
    const dora = await enter("Dora");
    const seq = await dora.say("safe");
    await request(site.url).get(changeOf(seq)).expect(401);
    await request(site.url).get("/rooms/lobby/rename").expect(401);
    const { status } = await dora.send(changeOf(seq), { erase: "1", form_token: "forged" });
    expect([status, (await messageAt(seq)).erased]).toEqual([403, undefined]);
  });

  test.each([
    ["/rooms/lobby/7/Change", "/rooms/lobby/7/change"],
    ["/Rooms/LOBBY/007/change/", "/rooms/lobby/7/change"],
    ["/rooms/lobby/Rename", "/rooms/lobby/rename"],
  ])("has one spelling: %s leads to %s", async (path, location) => {
    const answer = await request(site.url).get(path).expect(308);
    expect(answer.headers.location).toBe(location);
  });

  test.each(["/rooms/lobby/x/change", "/rooms/lobby/0/change", "/rooms/lobby/7/change/1", "/rooms/lobby/live/change"])(
    "is not at %s",
    async (path) => {
      const { text } = await request(site.url).get(path).set("accept", "text/html").expect(404);
      expect(text).toContain('data-code="no_such_page"');
    },
  );
});

describe("without script, a reply", () => {
  test("begins at a link, and its form shows whom it answers", async () => {
    const { event } = await say(site.url, ben, "who is <there>?");
    const eli = await enter("Eli");
    for (const path of ["/rooms/lobby", "/rooms/lobby/live?refresh=10", "/rooms/lobby?before=1000"])
      expect((await eli.get(path)).text).toContain(`href="/rooms/lobby?reply=${event.seq}#say"`);
    const { text } = await eli.get(`/rooms/lobby?reply=${event.seq}`).expect(200);
    const form = /<form id="say"[\s\S]*?<\/form>/.exec(text)?.[0] ?? "";
    expect(form).toMatch(/Reply to <bdi [^>]*>Ben<\/bdi>:/);
    expect(form).toContain("who is &lt;there&gt;?");
    expect(form).toContain(`<input type="hidden" name="reply" value="${event.seq}">`);
    const fields = { text: "me", id: "by-form-0001", reply: String(event.seq) };
    expect((await eli.send("/rooms/lobby", fields)).status).toBe(303);
    const { body } = await request(site.url).get("/api/rooms/lobby/messages?limit=1");
    expect(body.events[0]).toMatchObject({ text: "me", reply: event.seq });
  });

  test("keeps what it answers when its text is refused", async () => {
    const { event } = await say(site.url, ben, "answer me");
    const eli = await enter("Elias");
    const { text } = await eli.send("/rooms/lobby", { text: " ", id: "by-form-0002", reply: String(event.seq) });
    expect(text).toContain(`name="reply" value="${event.seq}"`);
    const gone = await eli.send("/rooms/lobby", { text: "to nobody", id: "by-form-0003", reply: "1000000" });
    expect([gone.status, gone.text.includes("to nobody</textarea>")]).toEqual([404, true]);
  });

  test.each([
    ["1000000", 404],
    ["1", 404],
    ["0", 400],
    ["x", 400],
  ])("to message %s is answered with %i", async (seq, status) => {
    expect((await request(site.url).get(`/rooms/lobby?reply=${seq}`)).status).toBe(status);
  });

  test("has no link for a visitor, who could not send one, but can report the message", async () => {
    const { event } = await say(site.url, ben, "to everyone");
    const { text } = await request(site.url).get("/rooms/lobby/live?refresh=10");
    expect(text).not.toContain("?reply=");
    expect(text).toContain(`<a class="act" href="/rooms/lobby/${event.seq}/acts"`);
  });
});

describe("without script, another name", () => {
  test("is chosen on a page that the list of people leads to, and in the room from then on", async () => {
    const finn = await enter("Finn");
    expect((await finn.get("/rooms/lobby")).text).toContain('<a class="rename-link" href="/rooms/lobby/rename"');
    expect((await request(site.url).get("/rooms/lobby")).text).not.toContain("rename-link");
    expect((await finn.get("/rooms/lobby/rename").expect(200)).text).toContain('value="Finn"');
    const answer = await finn.send("/rooms/lobby/rename", { nickname: "Fiona", color: "#a1267a" });
    expect([answer.status, answer.headers.location]).toEqual([303, "/rooms/lobby"]);
    const { text } = await finn.get("/rooms/lobby");
    expect(text).toContain('data-nickname="Fiona"');
    expect(text).toMatch(/is the new name of <bdi [^>]*>Finn<\/bdi>/);
    await finn.say("as Fiona");
  });

  test("that is taken is refused on the same page, in both languages", async () => {
    const gus = await enter("Gus");
    await say(site.url, ben, "Ben is here");
    const { status, text } = await gus.send("/rooms/lobby/rename", { nickname: "Ben" });
    expect([status, text.includes('value="Ben"')]).toEqual([409, true]);
    expect(text).toContain("Someone is using that nickname");
    expect((await gus.get("/rooms/lobby/rename", "ja")).text).toContain("名前と色を変える");
  });
});
