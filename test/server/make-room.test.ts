import { describe, expect, test } from "@jest/globals";
import request from "supertest";
import { roomNameFor } from "../../protocol/room-name.ts";
import { readKeptRooms } from "../../server/rooms/kept-rooms.ts";
import { openNode, person, say } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite({ rooms: ["lobby=ロビー", "tea=Tea room"] });

const fieldOf = (html: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? "";

/** Sends the form of a new room as a browser without script does, from a page at `path`. */
async function make(fields: { [name: string]: string }, path = "/") {
  const browser = request.agent(site.url);
  const page = await browser.get(path).set("accept", "text/html").set("accept-language", "en");
  const [, form = ""] = /<form id="make-room"([\s\S]*?)<\/form>/.exec(page.text) ?? [];
  expect(form).toContain('method="post" action="/"');
  const sent = { form_token: fieldOf(form, "form_token"), listed: "words", ...fields };
  return browser.post("/").set("accept-language", "en").type("form").send(sent);
}

const listed = async () => (await request(site.url).get("/api/rooms")).body.rooms as { slug: string }[];

describe("the form of a new room", () => {
  test("makes a room in the lobby, whose address comes from the title, and leads there", async () => {
    const made = await make({ title: "Ｔea & talk 茶室!" }).then((answer) => answer);
    expect([made.status, made.headers.location]).toEqual([303, `/rooms/${encodeURIComponent("tea-talk-茶室")}`]);
    expect((await listed()).map(({ slug }) => slug)).toContain("tea-talk-茶室");
    const room = await request(site.url)
      .get(made.headers.location as string)
      .expect(200);
    expect(room.text).toContain("Ｔea &amp; talk 茶室!");
    expect(room.text).toContain('id="empty-room"');
  });

  test("makes a room by link only, whose address nobody can guess, and which no search engine finds", async () => {
    const made = await make({ title: "Secret tea", listed: "0" });
    const path = made.headers.location as string;
    expect(path).toMatch(/^\/rooms\/secret-tea-[0-9a-f]{20}$/);
    expect(JSON.stringify(await listed())).not.toContain("secret-tea");
    for (const page of [path, `${path}?before=1`, `${path}/live;refresh=10`]) {
      const { headers, text } = await request(site.url).get(page).expect(200);
      expect([page, headers["x-robots-tag"], text.includes('<meta name="robots" content="noindex">')]).toEqual([
        page,
        "noindex",
        true,
      ]);
      expect(text).not.toContain('property="og:');
    }
  });

  test("takes an address that was typed, and one is enough", async () => {
    expect((await make({ title: "Any", slug: "My-Room" })).headers.location).toBe("/rooms/my-room");
    expect((await make({ title: "", slug: "no-title" })).headers.location).toBe("/rooms/no-title");
    expect((await make({ title: "🍵🍵" })).headers.location).toMatch(/^\/rooms\/[0-9a-f]{20}$/);
  });

  test("is shown again with what was typed and the reason if it is refused", async () => {
    const taken = await make({ title: "Tea <again>", slug: "TEA", listed: "0", silent: "1" });
    expect(taken.status).toBe(409);
    const [form = ""] = /<details class="lobby-make" open>[\s\S]*?<\/details>/.exec(taken.text) ?? [];
    expect(form).toContain("That room already exists");
    expect([fieldOf(form, "title"), fieldOf(form, "slug")]).toEqual(["Tea &lt;again&gt;", "TEA"]);
    expect(form).toMatch(/value="0" checked>/);
    expect(form).toMatch(/name="silent" value="1" checked>/);
    expect((await make({ title: "", slug: "" })).status).toBe(400);
    expect((await make({ title: "x", slug: "no/slash" })).status).toBe(400);
    expect((await make({ title: "Administrator" })).status).toBe(409);
  });

  test("is accepted from the site's own pages only", async () => {
    const forged = await request(site.url).post("/").type("form").send({ title: "Forged" });
    expect(forged.status).toBe(403);
    expect(JSON.stringify(await listed())).not.toContain("forged");
  });

  test("is on the page of a room that is not there, under its name", async () => {
    const page = await request(site.url)
      .get("/rooms/nothing-here")
      .set({ accept: "text/html", "accept-language": "ja" });
    expect(page.status).toBe(404);
    expect(page.text).toContain("この部屋は、まだありません");
    expect([fieldOf(page.text, "title"), fieldOf(page.text, "slug")]).toEqual(["nothing-here", "nothing-here"]);
    const made = await make({ title: "Here it is", slug: "nothing-here" }, "/rooms/nothing-here");
    expect(made.headers.location).toBe("/rooms/nothing-here");
    const other = await request(site.url).get("/nothing").set("accept", "text/html").expect(404);
    expect(other.text).not.toContain("make-room");
  });
});

describe("names for titles", () => {
  test.each([
    ["Tea & talk", "tea-talk"],
    ["  --茶室 ２号室--", "茶室-2号室"],
    ["ガ部屋", "ガ部屋"],
    ["🍵", ""],
    ["́́x", "x"],
    ["x".repeat(100), "x".repeat(64)],
  ])("%j", (title, name) => {
    expect(roomNameFor(title)).toBe(name);
  });
});

describe("the lobby", () => {
  test("shows who is where, how many in all, and the latest words", async () => {
    const ann = await person(site.url, "Ann");
    await say(site.url, ann, { text: "the <b>kettle</b> is on", room: "tea" });
    await until("the list", async () => (await request(site.url).get("/")).text.includes("kettle"));
    const { text } = await request(site.url).get("/").set("accept-language", "en");
    const tea = text.split("<li ").find((item) => item.includes('value="tea"')) ?? "";
    expect(tea).toContain('class="room-item lit"');
    expect(tea).toMatch(/data-seal="A" title="Ann">/);
    expect(tea).toContain("the &lt;b&gt;kettle&lt;&#x2F;b&gt; is on</span></q>");
    expect(text).toMatch(/<p id="now" class="now">1 here now, \d+ watching<\/p>/);
    const room = (await listed()).find(({ slug }) => slug === "tea");
    expect(room).toMatchObject({
      people: [{ nickname: "Ann" }],
      words: { nickname: "Ann", text: "the <b>kettle</b> is on" },
    });
  });

  test("shows nothing of a message that was erased, but the one before it", async () => {
    const author = await person(site.url, "Eraser");
    await say(site.url, author, { text: "this stays", room: "tea" });
    const { event } = await say(site.url, author, { text: "this goes", room: "tea" });
    await request(site.url)
      .post(`/api/rooms/tea/messages/${event.seq}/erase`)
      .set("authorization", `Bearer ${author.token}`)
      .expect(201);
    await until("the list without it", async () => {
      const found = (await listed()).find(({ slug }) => slug === "tea") as { words?: { text: string } } | undefined;
      return found?.words?.text === "this stays";
    });
  });

  test("shows no words of a room that does not want it", async () => {
    const path = (await make({ title: "Discreet", listed: "1" })).headers.location as string;
    const ben = await person(site.url, "Ben");
    await say(site.url, ben, { text: "between us", room: path.slice("/rooms/".length) });
    const text = await until("the list with its member", async () => {
      const page = (await request(site.url).get("/").set("accept-language", "en")).text;
      return page.includes('title="Ben"') && page;
    });
    expect(text).toContain('value="discreet"');
    expect(text).not.toContain("between us");
  });
});

describe("the rooms that a site always has", () => {
  test("are there with their titles, which later starts change", async () => {
    const titles = async () =>
      new Map((await listed()).map((room) => [room.slug, (room as unknown as { title: string }).title]));
    expect([(await titles()).get("lobby"), (await titles()).get("tea")]).toEqual(["ロビー", "Tea room"]);
    const next = await openNode(site.databaseUrl, { rooms: ["lobby=Entrance"] });
    await next.close();
    await until("the list with the title", async () => (await titles()).get("lobby") === "Entrance");
    expect([(await titles()).get("lobby"), (await titles()).get("tea")]).toEqual(["Entrance", "Tea room"]);
  });

  test("keep a title that somebody gave them in their settings", async () => {
    const holly = await person(site.url, "Holly");
    const bearer = { authorization: `Bearer ${holly.token}` };
    await request(site.url).post("/api/rooms").set(bearer).send({ slug: "coffee", title: "Coffee" }).expect(201);
    await request(site.url).post("/api/rooms/coffee/settings").set(bearer).send({ title: "Espresso" }).expect(200);
    const next = await openNode(site.databaseUrl, { rooms: ["coffee=Coffee"] });
    await next.close();
    const stored = await site.node.app.site.db("rooms").where({ slug: "coffee" }).first("title", "kept");
    expect(stored).toEqual({ title: "Espresso", kept: true });
  });

  test("have a name of their title if none is written", () => {
    expect(readKeptRooms(["Tea & talk"])).toMatchObject([{ slug: "tea-talk", title: "Tea & talk" }]);
  });

  test.each([
    ["500", "500 is no room; CHATTERA_ROOMS_MAX limits their number"],
    ["a b=Title", '"a b=Title" is not a room\'s name and title'],
    ["tea=", '"tea=" is not a room\'s name and title'],
    ["🍵", '"🍵" is not a room\'s name and title'],
  ])("end the start if they cannot be read: %s", async (entry, sentence) => {
    await expect(openNode(site.databaseUrl, { rooms: [entry] })).rejects.toThrow(`rooms (CHATTERA_ROOMS): ${sentence}`);
  });
});

describe("what others find of the site", () => {
  test("a link to a listed room is shown with its title, under the name that was asked for", async () => {
    const { text } = await request(site.url).get("/rooms/tea").set("host", "chat.example:8080");
    expect(text).toContain('<meta property="og:title" content="Tea room">');
    expect(text).toContain('<meta property="og:url" content="http://chat.example:8080/rooms/tea">');
    expect(text).toMatch(/<meta property="og:image" content="http:\/\/chat\.example:8080\/assets\/icon-\w+\.png">/);
    const odd = await request(site.url).get("/rooms/tea").set("host", 'x"><script>');
    expect(odd.text).not.toContain("<script>");
  });

  test("robots.txt closes the API and searches, and names no room", async () => {
    const { text, headers } = await request(site.url).get("/robots.txt").expect(200);
    expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(text).toBe(
      "User-agent: *\nDisallow: /api/\nDisallow: /doctor\nDisallow: /rooms/*/live\nDisallow: /rooms/*/search\n",
    );
  });

  test("a site's name with signs of HTML is escaped in the manifest, as in all JSON", async () => {
    const node = await openNode(site.databaseUrl, { siteName: "A<b>&" });
    const text = await (await fetch(`${node.url}/manifest.webmanifest`)).text();
    expect([text, JSON.parse(text).name]).toEqual([expect.not.stringMatching(/[<>&]/), "A<b>&"]);
    await node.close();
  });

  test("browsers that look for an icon find one", async () => {
    const icon = await request(site.url).get("/favicon.ico").expect(200);
    expect(icon.headers["content-type"]).toBe("image/png");
    const { text } = await request(site.url).get("/");
    const touch = /rel="apple-touch-icon" href="([^"]+)"/.exec(text)?.[1] as string;
    await request(site.url).get(touch).expect(200).expect("content-type", "image/png");
  });
});
