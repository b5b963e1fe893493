import { describe, expect, test } from "@jest/globals";
import request from "supertest";
import { clientId, openNode } from "../support/app.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();

const SAY = "/api/rooms/lobby/messages";
const open = (body: object) => request(site.url).post("/api/session").send(body);
const message = () => ({ id: clientId(), text: "x" });

describe("a session", () => {
  test("is a token and a cookie that the page's script cannot read", async () => {
    const { body, headers } = await open({ nickname: " Ann  B ", color: "#ABCDEF" }).expect(201);
    expect(body.member).toEqual({ id: expect.any(String), nickname: "Ann B", color: "#abcdef" });
    expect(String(headers["set-cookie"])).toMatch(/^chattera-\d+=[^;]+; path=\/; .*samesite=lax; httponly$/i);
  });

  test("is valid on every node, and after a restart with the same secret", async () => {
    const { body } = await open({ nickname: "Wanderer" });
    const other = await openNode(site.databaseUrl);
    await request(other.url).post(SAY).set("authorization", `Bearer ${body.token}`).send(message()).expect(201);
    await other.close();
  });

  test("of the same browser stays the same person under another nickname, and without the cookie is another", async () => {
    const first = await open({ nickname: "Cat" });
    const renamed = await open({ nickname: "Dog" }).set("authorization", `Bearer ${first.body.token}`);
    const other = await open({ nickname: "Dog" });
    expect(renamed.body.member.id).toBe(first.body.member.id);
    expect(other.body.member.id).not.toBe(first.body.member.id);
  });

  test("with a secret word has a trip: the same for the same word, on every node", async () => {
    const other = await openNode(site.databaseUrl);
    const trips = await Promise.all(
      [site.url, site.url, other.url].map(async (at, n) => {
        const { body } = await request(at)
          .post("/api/session")
          .send({ nickname: `Mike#${n === 1 ? "wrong-word" : "right-word"}` });
        expect(body.member.nickname).toBe("Mike");
        return body.member.trip;
      }),
    );
    await other.close();
    expect(trips[0]).toMatch(/^◆\S{12}$/);
    expect([trips[1] === trips[0], trips[2] === trips[0]]).toEqual([false, true]);
  });

  test("keeps its trip and color under the same nickname, and loses them with the nickname", async () => {
    // This is no nickname's default color, of which there are eight.
    const first = await open({ nickname: "Keeper#long-word", color: "#123456" });
    const again = async (nickname: string) =>
      (await open({ nickname }).set("authorization", `Bearer ${first.body.token}`)).body.member;
    expect(await again("Keeper")).toEqual(first.body.member);
    const other = await again("Other");
    expect(other.trip).toBeUndefined();
    expect(other.color).not.toBe("#123456");
  });

  test("has one spelling: with anything appended it is invalid", async () => {
    const { body } = await open({ nickname: "Speller" });
    const say = (token: string) => request(site.url).post(SAY).set("authorization", `Bearer ${token}`).send(message());
    expect((await say(body.token)).status).toBe(201);
    for (const more of [".", ".more"]) expect((await say(body.token + more)).body.code).toBe("no_session");
  });

  test("of another nickname does not send a message that was written under this one", async () => {
    const { body } = await open({ nickname: "Now" });
    const say = (nickname: string) =>
      request(site.url)
        .post(SAY)
        .set("authorization", `Bearer ${body.token}`)
        .send({ ...message(), nickname });
    expect((await say("Before")).body.code).toBe("no_session");
    expect((await say("Now")).status).toBe(201);
  });

  test.each(["Mike◆abcdefghijkl", "Mike ♦Ab3dEfGhIjKl", "Mike ⬥Ab3dEfGhIjKl"])(
    "cannot show a trip it has not: %s",
    async (nickname) => {
      const { status, body } = await open({ nickname });
      expect([status, body.code]).toEqual([400, "nickname_invalid"]);
    },
  );

  test("is refused for a secret of 7 characters", async () => {
    const { status, body } = await open({ nickname: "Mike#1234567" });
    expect([status, body.code]).toEqual([400, "secret_invalid"]);
  });

  test.each(["admin", "★管理人★", "System.", "bob entered", "bob: hello"])(
    "is refused for the site's own: %s",
    async (nickname) => {
      const { status, body } = await open({ nickname });
      expect([status, body.code]).toEqual([409, "reserved"]);
    },
  );

  test("allows five secrets in a row from one address, and any number of nicknames without", async () => {
    const limited = await openNode(site.databaseUrl, { limits: true });
    const statusOf = async (nickname: string) =>
      (await request(limited.url).post("/api/session").send({ nickname })).status;
    const guesses = await Promise.all(Array.from({ length: 12 }, (_, n) => statusOf(`Mike#guess number ${n}`)));
    const plain = await statusOf("Mike");
    await limited.close();
    expect([guesses.filter((status) => status === 201).length, new Set(guesses), plain]).toEqual([
      5,
      new Set([201, 429]),
      201,
    ]);
  });

  test("is refused for the operator's own names", async () => {
    const named = await openNode(site.databaseUrl, { reservedNames: ["Acme", "アクメ"] });
    const statusOf = async (nickname: string) =>
      (await request(named.url).post("/api/session").send({ nickname })).status;
    const statuses = [await statusOf("ACME."), await statusOf("ｱｸﾒ"), await statusOf("Acmeister")];
    await named.close();
    expect(statuses).toEqual([409, 409, 201]);
  });

  test("is available by GET where POST is blocked, and then sets no cookie", async () => {
    for (const path of ["/api/session?nickname=Getter", "/api/session;nickname=Getter"]) {
      const { body, headers } = await request(site.url).get(path).expect(200);
      expect(body.member.nickname).toBe("Getter");
      expect(headers["set-cookie"]).toBeUndefined();
    }
  });

  test("neither sets nor clears a cookie for another site's page", async () => {
    const foreign = [{ "sec-fetch-site": "cross-site" }, { origin: "http://evil.example" }] as {
      [h: string]: string;
    }[];
    for (const proof of foreign)
      for (const path of ["/api/session", "/api/session/end"]) {
        const { headers } = await request(site.url).post(path).set(proof).type("form").send({ nickname: "Mallory" });
        expect([path, headers["set-cookie"]]).toEqual([path, undefined]);
      }
  });

  test("ends by clearing the cookie and leaving every room", async () => {
    const { headers } = await request(site.url).post("/api/session/end").expect(200);
    expect(String(headers["set-cookie"])).toMatch(/^chattera-\d+=; path=\/; expires=Thu, 01 Jan 1970/);
    const { body } = await open({ nickname: "Goer" });
    await request(site.url).post("/api/rooms/lobby/enter").set("authorization", `Bearer ${body.token}`).expect(200);
    await request(site.url).post("/api/session/end").set("authorization", `Bearer ${body.token}`).expect(200);
    const { members } = (await request(site.url).get("/api/rooms/lobby")).body;
    expect(members.map((member: { nickname: string }) => member.nickname)).not.toContain("Goer");
  });

  test.each([
    ["nothing", ""],
    ["white space", " \u3000 "],
    ["a secret alone", "#secret"],
    ["21 characters", "あ".repeat(21)],
    ["a control", "a\u0007b"],
    ["a line end", "a\nb\u2028c"],
    ["an invisible letter", "\u3164"],
    ["an invisible joiner", "a\u200db"],
    ["a direction override", "a\u202eb"],
    ["a variation selector", "a\ufe0f"],
    ["a tower of marks", `a${"\u0301".repeat(9)}`],
    ["half a character", "\ud800"],
  ])("is refused for a nickname of %s", async (_, nickname) => {
    const { status, body } = await request(site.url)
      .post("/api/session")
      .type("json")
      .send(JSON.stringify({ nickname }));
    expect([status, body.code]).toEqual([400, "nickname_invalid"]);
  });

  test.each(["あ".repeat(20), "ｱﾝ", "Ann Lee", "👨‍👩‍👧", "☺️", "นที", "O'Neil <b>"])(
    "is given to %j",
    async (nickname) => {
      expect((await open({ nickname }).expect(201)).body.member.nickname).toBe(nickname);
    },
  );

  test.each(["red", "#12345", "#12345g", "#1234567"])("is refused for the color %s", async (color) => {
    expect((await open({ nickname: "Ann", color })).status).toBe(400);
  });
});

describe("the author of a message", () => {
  test("is known by header, body and cookie, and where a network drops them, by the query of say and of readers", async () => {
    const { body, headers } = await open({ nickname: "Everyhow" });
    const cookie = String(headers["set-cookie"]).split(";")[0] as string;
    await request(site.url).post(SAY).set("authorization", `bearer ${body.token}`).send(message()).expect(201);
    await request(site.url)
      .post(SAY)
      .send({ ...message(), token: body.token })
      .expect(201);
    await request(site.url)
      .post(SAY)
      .set("cookie", cookie)
      .set("sec-fetch-site", "same-origin")
      .send(message())
      .expect(201);
    await request(site.url).get(`/api/poll?room=lobby&wait=0&token=${body.token}`).expect(200);
    // Reading needs no session: a change of the secret must not end anybody's stream.
    await request(site.url).get("/api/poll?room=lobby&wait=0&token=forged").expect(200);
    await request(site.url).get("/api/rooms/lobby/say?id=12345678&text=x&token=forged").expect(401);
    await request(site.url).post(`${SAY}?token=${body.token}`).send(message()).expect(401);
  });

  test("by the cookie alone must come from a page of this site", async () => {
    const { headers } = await open({ nickname: "Cookie" });
    const cookie = String(headers["set-cookie"]).split(";")[0] as string;
    const host = new URL(site.url).host;
    const post = (proof: { [header: string]: string }) =>
      request(site.url)
        .post(SAY)
        .set({ cookie, ...proof })
        .send(message());
    for (const proof of [{ "sec-fetch-site": "same-origin" }, { origin: `http://${host}` }] as {
      [h: string]: string;
    }[])
      expect([proof, (await post(proof)).status]).toEqual([proof, 201]);
    const foreign = [
      {},
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "http://evil.example" },
      { origin: "null" },
      { origin: "garbage" },
      { "sec-fetch-site": "cross-site", origin: `http://${host}` },
    ];
    const { text } = await request(site.url).get("/").set({ cookie });
    const form_token = /name="form_token" value="([^"]+)"/.exec(text)?.[1];
    const behindProxy = request(site.url).post(SAY).set({ cookie, origin: "http://chat.example" });
    expect((await behindProxy.send({ ...message(), form_token })).status).toBe(201);
    for (const proof of foreign as { [h: string]: string }[]) {
      const { status, body } = await post(proof);
      expect([proof, status, body.code]).toEqual([proof, 403, "forbidden"]);
    }
  });

  test("as text/plain, which any page may send, is not known by the cookie", async () => {
    const { headers } = await open({ nickname: "Plain" });
    const cookie = String(headers["set-cookie"]).split(";")[0] as string;
    const post = request(site.url)
      .post(SAY)
      .set({ cookie, "sec-fetch-site": "same-origin", "content-type": "text/plain" });
    expect((await post.send(JSON.stringify(message()))).status).toBe(401);
  });

  test("an invalid cookie is ignored", async () => {
    await request(site.url).get("/").set("cookie", "chattera=forged.x").expect(200);
  });
});
