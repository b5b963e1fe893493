import { runInNewContext } from "node:vm";
import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { clientId, person, say, type TestPerson } from "../support/app.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
let ann: TestPerson;

beforeAll(async () => {
  ann = await person(site.url, "Ann");
  await say(site.url, ann, "premise");
});

/** Asks as a script element does; `given` is what the callback got, if it was called. */
async function ask(path: string, headers: { [name: string]: string } = {}) {
  const response = await fetch(`${site.url}${path}`, { headers });
  const text = await response.text();
  const given: { [member: string]: unknown }[] = [];
  const cb = (value: object) => given.push(JSON.parse(JSON.stringify(value)));
  const type = response.headers.get("content-type");
  if (type?.startsWith("application/javascript")) runInNewContext(text, { cb });
  return {
    status: response.status,
    type,
    headers: response.headers,
    text,
    given,
  };
}

describe("an answer as a script", () => {
  test.each([
    ["a poll", "/api/poll?room=lobby&wait=0", "events"],
    ["a session", "/api/session?nickname=Scripted", "token"],
    ["a room", "/api/rooms/lobby?", "members"],
    ["history", "/api/rooms/lobby/messages?limit=1", "oldest"],
  ])("is sent for %s, in the query's and in the path's form", async (_, path, member) => {
    for (const form of [`${path}&callback=cb&n=q1`, `${path}&callback=cb&n=q1`.replace(/[?&]+/g, ";")]) {
      const { text, given, type, headers } = await ask(form);
      expect(text).toMatch(/^\/\*\*\/cb\(\{.*\}\);$/);
      expect(given).toEqual([expect.objectContaining({ chattera: 1, n: "q1", [member]: expect.anything() })]);
      expect([type, headers.get("cross-origin-resource-policy"), headers.get("x-content-type-options")]).toEqual([
        "application/javascript; charset=utf-8",
        "same-origin",
        "nosniff",
      ]);
    }
  });

  test("is sent for nothing else", async () => {
    const { type } = await ask("/api/rooms?callback=cb");
    expect(type).toBe("application/json; charset=utf-8");
  });

  test("never reveals whose browser it is", async () => {
    const mine = await request(site.url).get("/api/session?nickname=Ann").set("cookie", ann.cookie);
    expect(mine.body.member.id).toBe(ann.id);
    for (const path of ["/api/session?nickname=Ann&callback=cb", "/api/session;nickname=Ann;callback=cb"]) {
      const { given, headers } = await ask(path, { cookie: ann.cookie });
      expect(given).toEqual([expect.objectContaining({ member: expect.objectContaining({ nickname: "Ann" }) })]);
      expect((given[0] as { member: TestPerson }).member.id).not.toBe(ann.id);
      expect(headers.get("set-cookie")).toBeNull();
    }
  });

  test("belongs to the member of the token", async () => {
    const { given } = await ask(`/api/session;nickname=Ann2;token=${ann.token};callback=cb`);
    expect(given[0]?.member).toMatchObject({ id: ann.id, nickname: "Ann2" });
  });
});

describe("a refusal", () => {
  const REFUSED: [string, number, string][] = [
    ["/api/poll?room=nowhere", 404, "no_such_room"],
    ["/api/session?nickname=%20", 400, "nickname_invalid"],
    ["/api/rooms/nowhere?", 404, "no_such_room"],
    ["/api/rooms/lobby/messages?before=x", 400, "malformed"],
    ["/api/rooms/lobby/say?id=12345678&text=x", 401, "no_session"],
    ["/api/rooms/lobby/say?id=12345678&text=x&token=forged", 401, "no_session"],
  ];

  test.each(REFUSED)("of %s is answered as a refusal, also to a script", async (path, status, code) => {
    const { status: answered, type, text } = await ask(`${path}&callback=cb&n=q2`);
    expect([answered, type]).toEqual([status, "application/problem+json; charset=utf-8"]);
    expect(JSON.parse(text)).toMatchObject({ chattera: 1, n: "q2", status, code });
  });

  test.each(REFUSED)("of %s is answered with 200 on request", async (path, status, code) => {
    const { status: answered, given, type } = await ask(`${path}&callback=cb&status=200&n=q3`);
    expect([answered, type]).toEqual([200, "application/javascript; charset=utf-8"]);
    expect(given).toEqual([expect.objectContaining({ chattera: 1, n: "q3", status, code })]);
  });

  test("of the callback itself is never a script, nor is one without a callback", async () => {
    for (const query of ["callback=a-b&status=200", "status=200"]) {
      const { status, type } = await ask(`/api/poll?room=nowhere&${query}`);
      expect([status, type]).toEqual([query === "status=200" ? 404 : 400, "application/problem+json; charset=utf-8"]);
    }
  });

  test("by script stores nothing", async () => {
    const id = clientId();
    const path = `/api/rooms/lobby/say?id=${id}&text=x&token=${ann.token}&status=200`;
    expect((await ask(`${path}&callback=1`)).status).toBe(400);
    expect((await ask(`${path}&callback=cb`)).given[0]).toMatchObject({ event: { id } });
  });
});
