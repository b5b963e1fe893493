import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { Command } from "commander";
import request from "supertest";
import { siteRoutes } from "../../server/app.ts";
import { addJoinCommand, JOIN_HELP } from "../../server/process/join.ts";
import { addModerationCommands } from "../../server/process/moderation-commands.ts";
import { addRoomCommands } from "../../server/process/room-commands.ts";
import { addRoomFileCommands } from "../../server/process/room-files.ts";
import { addWebhookCommands } from "../../server/process/webhook-commands.ts";
import { ACTS } from "../../server/rooms/access.ts";
import { openStream } from "../../server/testing.ts";
import { person, say } from "../support/app.ts";
import { OPERATOR_SECRET, operator, type TestOperator } from "../support/operator.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

/** A row of the table "Every act, by page and by command". */
type ActRow = { act: string; asked: string; page: string; command: string };

const ROWS: ActRow[] = rowsOf(readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8"));

function rowsOf(page: string): ActRow[] {
  const [, section = ""] = page.split("### Every act, by page and by command\n");
  const rows = [...(section.split(/^#/m)[0] ?? "").matchAll(/^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)];
  return rows.slice(1).flatMap(([, act = "", asked = "", page = "", command = ""]) => {
    return act.startsWith("-") ? [] : [{ act, asked, page, command }];
  });
}

/** Returns the texts in code marks of each part of a cell. A dash has none. */
function marked(cell: string): string[][] {
  const parts = cell.split(";").map((part) => [...part.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text));
  return parts.filter((part) => part.length > 0);
}

const site = useSite({ operatorSecret: OPERATOR_SECRET });
let op: TestOperator;
let cookies: { operator: string; member: string };
let places: { [name: string]: string };

beforeAll(async () => {
  const ann = await person(site.url, "Ann");
  await request(site.url).post("/api/rooms").send({ slug: "tea" }).expect(201);
  const { event } = await say(site.url, ann, { room: "tea", text: "a message" });
  op = await operator(site.url);
  const { body } = await op.get("/api/operate/people");
  const signIn = await request(site.url)
    .post("/api/operate/session")
    .set("origin", site.url)
    .send({ secret: OPERATOR_SECRET });
  cookies = { operator: String(signIn.headers["set-cookie"]).split(";")[0] ?? "", member: ann.cookie };
  places = { ROOM: "tea", SEQ: String(event.seq), MEMBER: ann.id, NETWORK: body.people[0].network };
});

test("the table asks for each act that access knows", () => {
  expect(ROWS.length).toBeGreaterThan(20);
  const asked = new Set(ROWS.flatMap((row) => marked(row.asked).flat()));
  expect([...asked].sort()).toEqual([...ACTS].sort());
});

describe("on a page without script one can", () => {
  const offered = ROWS.filter(({ page }) => page !== "–");

  test("do all of it, except import, and typing, which has no page", () => {
    expect(ROWS.filter(({ page }) => page === "–").map(({ act }) => act)).toEqual([
      "be shown as typing",
      "bring a room in",
    ]);
  });

  test.each(offered.flatMap(({ act, page }) => marked(page).map(([path, id]) => [act, path as string, id as string])))(
    "%s: %s has %s",
    async (act, path, id) => {
      const address = path.replace(/[A-Z]+/g, (name) => places[name] ?? name);
      // Visitors enter and sign in; everything else is offered to the people who may do it.
      const isVisitors = act === "enter a room" || act.startsWith("sign in");
      const cookie = isVisitors ? "" : `${cookies.member}; ${cookies.operator}`;
      const { text } = await request(site.url).get(address).set("cookie", cookie).expect(200);
      expect([...text.matchAll(/ id="([^"]+)"/g)].map(([, found]) => found)).toContain(id);
    },
  );

  test("do nothing that the table leaves out", () => {
    const known = ROWS.flatMap(({ page }) => marked(page).map(([path = ""]) => path.replace(/[A-Z]+/g, ":x")));
    const changing = siteRoutes(site.node.app.site)
      .filter(({ method, guards }) => method === "POST" && guards.page && guards.mutates)
      .flatMap(({ path }) => [path].flat())
      .map((path) => path.replace(/:\w+/g, ":x"));
    // These do what the room's page does, too, or no act of this table.
    const others = ["/rooms/:x/live", "/rooms/:x/live/say", "/rooms/:x/password", "/leave"];
    expect([...new Set(changing)].filter((path) => !known.includes(path) && !others.includes(path))).toEqual([]);
  });
});

describe("by a command one can", () => {
  const program = new Command();
  const run = async () => undefined;
  addJoinCommand(program);
  addModerationCommands(program, run);
  addRoomCommands(program, run);
  addRoomFileCommands(program, { run, version: "0" });
  addWebhookCommands(program, run);

  /** Returns all commands that do something, as `room make`, with their options. */
  function commandsOf(parent: Command, name = ""): Map<string, string[]> {
    const own = parent.commands.flatMap((command) => {
      const path = `${name} ${command.name()}`.trim();
      if (command.commands.length > 0) return [...commandsOf(command, path)];
      return [[path, command.options.map(({ long }) => long ?? "")] as const];
    });
    return new Map(own);
  }

  const commands = commandsOf(program);
  const asked = ROWS.flatMap(({ act, command }) => marked(command).map((part) => [act, ...part]));

  test("do all of it, except typing", () => {
    expect(ROWS.filter(({ command }) => command === "–").map(({ act }) => act)).toEqual(["be shown as typing"]);
  });

  test.each(asked)("%s: %s", (_act, command = "", ...typed) => {
    const words = command.split(" ").slice(1);
    const options = words.filter((word) => word.startsWith("--"));
    const known = commands.get(words.filter((word) => !word.startsWith("--")).join(" "));
    expect(known).toEqual(expect.arrayContaining(options));
    for (const one of typed) expect(JOIN_HELP).toContainEqual(expect.stringMatching(new RegExp(`^${one}\\b`)));
  });

  test("do nothing that the table leaves out", () => {
    const named = asked.map(([, command = ""]) => command.replace(/ --\S+/g, "").replace("chattera ", ""));
    expect([...commands.keys()].filter((name) => !named.includes(name))).toEqual([]);
  });
});

test("a room is removed by its page, or by a call, with all that was said in it", async () => {
  const ben = await person(site.url, "Ben");
  for (const slug of ["gone", "also-gone"]) {
    await request(site.url).post("/api/rooms").send({ slug }).expect(201);
    await say(site.url, ben, { room: slug, text: `said in ${slug}` });
  }
  const stream = await openStream(site.url, { room: "gone" });
  const { cursor } = (await request(site.url).get("/api/rooms/gone")).body;
  const poll = fetch(`${site.url}/api/poll?room=gone&after=${cursor}&wait=50`).then((answer) => answer.json());
  const page = fetch(`${site.url}/rooms/gone/live`);
  await page;
  await until("all read", () => [...site.node.app.site.hub.readers].length === 3);
  const cookie = cookies.operator;
  const asForm = (fields: object) =>
    request(site.url)
      .post("/rooms/gone/settings")
      .set({ cookie, origin: site.url, "content-type": "application/x-www-form-urlencoded" })
      .send(fields);
  expect((await asForm({ remove: "1" })).text).toContain('id="problem"');
  expect((await asForm({ remove: "1", sure: "1" })).headers.location).toBe("/operate;done=1");
  expect(await stream.signal("bye")).toEqual({ retry: expect.any(Number), reason: "not_allowed" });
  await expect(stream.events(99)).rejects.toThrow("the stream ended");
  const bye = { signal: "bye", retry: expect.any(Number), reason: "not_allowed" };
  expect(await poll).toMatchObject({ events: [], signals: expect.arrayContaining([bye]) });
  expect(await (await page).text()).toContain("/rooms/gone/live/refresh=");
  await op.post("/api/operate/rooms/remove", { room: "also-gone" }).expect(200);
  expect((await op.post("/api/operate/rooms/remove", { room: "also-gone" })).body.code).toBe("no_such_room");
  expect((await op.post("/api/operate/rooms/remove", { room: "lobby" })).body.code).toBe("not_allowed");
  await request(site.url).post("/api/operate/rooms/remove").send({ room: "tea" }).expect(401);
  for (const slug of ["gone", "also-gone"]) await request(site.url).get(`/rooms/${slug}`).expect(404);
  expect(await site.node.app.site.db("events").whereLike("text", "said in %gone")).toEqual([]);
  expect((await op.get("/operate")).text).toContain("room removed");
});

test("a new owner key is shown once, and the former one is void", async () => {
  const owner = await person(site.url, "Olga");
  const { body } = await request(site.url).post("/api/rooms").set("cookie", owner.cookie).set("origin", site.url).send({
    slug: "kept",
  });
  const asked = { cookie: owner.cookie, origin: site.url, "content-type": "application/x-www-form-urlencoded" };
  const made = await request(site.url).post("/rooms/kept/settings").set(asked).send({ newKey: "1" }).expect(303);
  expect(made.headers.location).toBe("/rooms/kept");
  const handed = String(made.headers["set-cookie"]).split(";")[0];
  const { text } = await request(site.url).get("/rooms/kept").set("cookie", `${owner.cookie}; ${handed}`).expect(200);
  const key = / id="owner-key".*?value="([\w-]{24})"/s.exec(text)?.[1];
  const other = await person(site.url, "Other");
  const claim = (given: string | undefined) =>
    request(site.url).post("/api/rooms/kept/claim").set("authorization", `Bearer ${other.token}`).send({ key: given });
  await claim(body.ownerKey).expect(403);
  await claim(key).expect(200);
});
