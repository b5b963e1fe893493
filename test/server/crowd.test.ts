import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { openStream } from "../../server/testing.ts";
import { removeRooms } from "../../server/upkeep/room-removal.ts";
import { clientId, openSite, person, say, type TestNode, type TestPerson, type TestSite } from "../support/app.ts";
import { query } from "../support/database.ts";
import { until } from "../support/until.ts";

let site: TestSite;
let node: TestNode;
let other: TestNode;
let url: string;

beforeAll(async () => {
  site = await openSite({}, 2);
  [node, other] = site.nodes as [TestNode, TestNode];
  url = node.url;
});

afterAll(() => site.close());

const sql = (statement: string) => query(site.databaseUrl, statement);
const create = (slug: string) => request(url).post("/api/rooms").send({ slug }).expect(201);
const as = (who: TestPerson): [string, string] => ["authorization", `Bearer ${who.token}`];
const enter = (who: TestPerson, room: string, at = url) =>
  request(at)
    .post(`/api/rooms/${room}/enter`)
    .set(...as(who));
const leave = (who: TestPerson, room: string) =>
  request(url)
    .post(`/api/rooms/${room}/leave`)
    .set(...as(who));
const state = async (room: string, at = url) => (await request(at).get(`/api/rooms/${room}`).expect(200)).body;

async function crowd(room: string, count: number): Promise<void> {
  await create(room);
  await sql(`insert into members (room_id, member_id, nickname, color, look, entered_at)
    select id, 'm' || n, 'n' || n, '#b3261e', 'n' || n, now() - (${count} - n / 3) * interval '1 microsecond'
    from rooms, generate_series(1, ${count}) n where slug = '${room}'`);
}

/** Counts the statements of a node that match. */
function countQueries(at: TestNode, pattern: RegExp): () => number {
  let count = 0;
  at.app.site.db.on("query", ({ sql }) => {
    if (pattern.test(sql)) count += 1;
  });
  return () => count;
}

describe("a crowd", () => {
  test("is listed up to 200, and counted on the page and in the answer", async () => {
    await crowd("many", 1_340);
    const answer = await state("many");
    const fields = ["chattera", "cursor", "memberCount", "members", "room", "visitors"];
    expect(Object.keys(answer).toSorted()).toEqual(fields);
    const { members, memberCount } = answer;
    expect([members.length, memberCount]).toEqual([200, 1_340]);
    for (const [language, words] of [
      ["en", "200 shown, 1,340 here"],
      ["ja", "1,340人のうち200人を表示"],
    ]) {
      const { text } = await request(url)
        .get("/rooms/many")
        .set("accept-language", language as string);
      expect(text).toContain(words);
      // One of them is the script's template.
      expect(text.match(/class="person"/g)).toHaveLength(201);
    }
    expect((await request(url).get("/rooms/many/live/refresh=10")).text).toContain("1,340 here");
  });

  test("is written as seen a hundred at a time, so that no message waits for a thousand", async () => {
    await crowd("written", 250);
    await sql("update members set seen_at = now() - interval '1 minute'");
    const writes = countQueries(node, /set seen_at = greatest/);
    const [{ id }] = (await sql("select id from rooms where slug = 'written'")) as [{ id: number }];
    for (let n = 1; n <= 250; n += 1) node.app.site.presence.noteSeen({ roomId: id, memberId: `m${n}` });
    const unseen = `select from members where room_id = ${id} and seen_at < now() - interval '30 s'`;
    await until("all are written", async () => (await sql(unseen)).length === 0);
    expect(writes()).toBeGreaterThanOrEqual(3);
  });

  test("is listed page by page, each once, even people who entered in the same microsecond", async () => {
    await crowd("pages", 250);
    const seen: string[] = [];
    let after = "";
    for (let pages = 0; pages < 10 && (pages === 0 || after !== ""); pages += 1) {
      const { body } = await request(url).get(`/api/rooms/pages/members?limit=100&after=${after}`).expect(200);
      seen.push(...body.members.map(({ id }: { id: string }) => id));
      after = body.next ?? "";
    }
    expect([seen.length, new Set(seen).size]).toEqual([250, 250]);
    expect((await request(url).get("/api/rooms/pages/members")).body.members).toHaveLength(100);
  });

  test.each(["limit=0", "limit=201", "limit=x", "after=x", "after=!"])("is not listed for %s", async (query) => {
    const { status, body } = await request(url).get(`/api/rooms/lobby/members?${query}`);
    expect([status, body.code]).toEqual([400, "malformed"]);
  });

  test("that reads the lobby and a room at once counts in both", async () => {
    await crowd("asked", 10);
    const lists = countQueries(node, /liveliest/);
    const people = countQueries(node, /as head,\s+\(select count/);
    const begun = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => [request(url).get("/api/rooms"), request(url).get("/api/rooms/asked")]).flat(),
    );
    const seconds = Math.ceil((performance.now() - begun) / 1000);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    // Once a second, and the machine may be busy.
    for (const count of [lists(), people()]) expect(count).toBeLessThanOrEqual(seconds);
  });

  test("is counted with recent changes on another node, and in a room that was just created", async () => {
    await create("fresh");
    const [ann, bob] = [await person(url, "Ann"), await person(url, "Bob")];
    await enter(ann, "fresh").expect(200);
    expect(await state("fresh")).toMatchObject({ members: [{ id: ann.id }], memberCount: 1 });
    await enter(bob, "fresh", other.url).expect(200);
    await leave(ann, "fresh").expect(200);
    expect(await state("fresh")).toMatchObject({ members: [{ id: bob.id }], memberCount: 1 });
    await request(url).get("/api/rooms").expect(200);
    await create("made-now");
    const { body } = await request(url).get("/api/rooms");
    expect(body.rooms.map(({ slug }: { slug: string }) => slug)).toContain("made-now");
  });

  test("that enters by its first messages is logged once, in order, and its readers get the figures at most once a second", async () => {
    await create("first");
    const stream = await openStream(url, { room: "first", timeoutMs: 10_000 });
    const people = await Promise.all(Array.from({ length: 60 }, (_, n) => person(url, `first ${n}`)));
    await stream.signal("members");
    const since = performance.now();
    await Promise.all(people.map((who) => say(url, who, { text: "hello", room: "first" })));
    const events = await stream.events(120);
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 120 }, (_, n) => n + 1));
    for (const { id } of people)
      expect(events.filter(({ member }) => member.id === id).map(({ kind }) => kind)).toEqual(["enter", "message"]);
    let signals = 0;
    for (let members = 0; members < 60; signals += 1)
      ({ members } = (await stream.signal("members")) as { members: number });
    expect(signals).toBeLessThanOrEqual(1 + (performance.now() - since) / 900);
    await stream.close();
  });
});

describe("a nickname that someone has just given up", () => {
  test("is marked on the page and in the log, and the answer has the tag", async () => {
    await create("borrowed");
    const [owner, borrower] = [await person(url, "Ann"), await person(url, "Ann")];
    const { body: first } = await enter(owner, "borrowed").expect(200);
    await leave(owner, "borrowed").expect(200);
    const { body } = await enter(borrower, "borrowed").expect(200);
    expect(body.member).toMatchObject({ id: borrower.id, tag: expect.stringMatching(/^[2-9a-z]{3}$/) });
    expect(body.member.color).not.toBe(first.member.color);
    const { event } = await say(url, borrower, { text: "I am Ann", room: "borrowed" });
    expect((event as unknown as { member: object }).member).toEqual(body.member);
    const { text } = await request(url).get("/rooms/borrowed");
    // The enter line, the message, and the list.
    expect(text.split(`<span class="tag">·${body.member.tag}</span>`)).toHaveLength(4);
    expect((await request(url).get("/rooms/borrowed/live/refresh=10")).text).toContain(`·${body.member.tag}`);
  });

  test("is refused to someone without its trip, and the answer says why", async () => {
    await create("sealed");
    const owner = await person(url, "Casper#longer secret");
    await enter(owner, "sealed").expect(200);
    await leave(owner, "sealed").expect(200);
    const { status, body } = await enter(await person(url, "Casper"), "sealed");
    expect([status, body.code, body.detail]).toEqual([409, "nickname_taken", expect.stringContaining("trip")]);
    await enter(owner, "sealed").expect(200);
  });
});

describe("rooms", () => {
  test("hold a limited number of members, and a site of rooms, and each refusal names the full one", async () => {
    const small = await openSite({ roomMembers: 2, roomsMax: 3 });
    const at = small.nodes[0]?.url as string;
    const people = await Promise.all(["A", "B", "C"].map((nickname) => person(at, nickname)));
    const last = people[2] as TestPerson;
    for (const who of people.slice(0, 2)) await enter(who, "lobby", at).expect(200);
    const posting = request(at)
      .post("/api/rooms/lobby/messages")
      .set(...as(last));
    for (const answer of [await enter(last, "lobby", at), await posting.send({ id: clientId(), text: "let me in" })])
      expect([answer.status, answer.headers["retry-after"], answer.body]).toMatchObject([
        429,
        "30",
        { code: "full", detail: expect.stringContaining("room is full") },
      ]);
    const make = (slug: string) => request(at).post("/api/rooms").send({ slug });
    for (const slug of ["second", "third"]) await make(slug).expect(201);
    const { status, body } = await make("fourth");
    expect([status, body]).toMatchObject([429, { code: "full", detail: expect.stringContaining("3 rooms") }]);
    await small.close();
  });

  test("cannot be filled by one address, and networks that fill one together make way for a newcomer", async () => {
    const limited = await openSite({ limits: true, roomMembers: 20, trustProxy: ["loopback"] });
    const at = limited.nodes[0]?.url as string;
    const arrive = async (nickname: string, address: string) => {
      const from: [string, string] = ["x-forwarded-for", address];
      const session = await request(at)
        .post("/api/session")
        .set(...from)
        .send({ nickname });
      return request(at)
        .post("/api/rooms/lobby/enter")
        .set("authorization", `Bearer ${session.body.token}`)
        .set(...from);
    };
    const answers = [];
    for (let n = 0; n < 8; n += 1) answers.push(await arrive(`one ${n}`, "203.0.113.1"));
    expect(answers.map(({ status }) => status)).toEqual([...Array(5).fill(200), ...Array(3).fill(429)]);
    expect(answers.at(-1)?.body).toMatchObject({ code: "full", detail: expect.stringContaining("your network") });
    for (let n = 5; n < 20; n += 1) await arrive(`more ${n}`, `2001:db8:${n % 3}::1`);
    expect((await arrive("newcomer", "198.51.100.1")).status).toBe(200);
    const { body } = await request(at).get("/api/rooms/lobby");
    expect(body.memberCount).toBe(20);
    const networks = await query(limited.databaseUrl, "select distinct network, wide_network from members");
    expect(networks).toHaveLength(5);
    for (const names of networks) for (const name of Object.values(names)) expect(name).toMatch(/^[\w-]{16}$/);
    await limited.close();
  });

  test("are counted by the network that made them, whose address is not kept", async () => {
    const limited = await openSite({ limits: true });
    await request(limited.nodes[0]?.url as string)
      .post("/api/rooms")
      .send({ slug: "mine" })
      .expect(201);
    const [{ creator } = {}] = await query(limited.databaseUrl, "select creator from rooms where slug = 'mine'");
    expect(creator).toMatch(/^[\w-]{16}$/);
    await limited.close();
  });

  test("of one /48 are 300 a day, from any number of its /64s", async () => {
    const limited = await openSite({ limits: true, trustProxy: ["loopback"] });
    const at = limited.nodes[0]?.url as string;
    const make = (slug: string, address: string) =>
      request(at).post("/api/rooms").set("x-forwarded-for", address).send({ slug });
    await make("room-0", "2001:db8:7:1::1").expect(201);
    // Those of earlier today, of other /64s: made one after the other, they would wait for the rate
    // limit.
    await query(
      limited.databaseUrl,
      `insert into rooms (slug, title, creator, wide_creator)
       select 'made-' || n, '', n / 30, wide_creator from rooms, generate_series(1, 298) n where slug = 'room-0'`,
    );
    await make("room-299", "2001:db8:7:2::1").expect(201);
    const { status, body } = await make("room-300", "2001:db8:7:3::1");
    expect([status, body]).toMatchObject([429, { code: "too_many", detail: expect.stringContaining("300 rooms") }]);
    await make("around", "2001:db8:8:1::1").expect(201);
    await make("elsewhere", "203.0.113.1").expect(201);
    await limited.close();
  });

  test("that nobody used for a day are removed; those with messages, members or readers, and the lobby, stay", async () => {
    const slugs = ["unused", "visited", "spoken", "peopled", "read", "young"];
    for (const slug of slugs) await create(slug);
    const ann = await person(url, "Remover");
    await say(url, ann, { text: "hello", room: "spoken" });
    for (const slug of ["visited", "spoken", "peopled"]) await enter(ann, slug).expect(200);
    for (const slug of ["visited", "spoken"]) await leave(ann, slug).expect(200);
    const [room] = await sql("select id, last_seq from rooms where slug = 'visited'");
    await sql(`update rooms set created_at = now() - interval '25 hours', used_at = now() - interval '25 hours',
      last_at = last_at - interval '25 hours' where slug <> 'young'`);
    await sql(
      "insert into watchers (node, room_id, visitors) select 'elsewhere', id, 1 from rooms where slug = 'read'",
    );
    await removeRooms(node.app.site.db, node.app.site.wakeUps);
    const left = (await sql("select slug from rooms")).map(({ slug }) => slug);
    expect(left).toEqual(expect.arrayContaining(["lobby", "spoken", "peopled", "read", "young"]));
    for (const slug of ["unused", "visited"]) {
      expect(left).not.toContain(slug);
      await until("no node knows it", async () => {
        const answers = await Promise.all([url, other.url].map((at) => request(at).get(`/api/rooms/${slug}`)));
        return answers.every(({ body }) => body.code === "no_such_room");
      });
    }
    expect(await sql(`select from events where room_id = ${room?.id}`)).toEqual([]);
    // A new room of that name is another room, whose readers are not where the old one's were.
    await create("visited");
    expect(Number((await sql("select id from rooms where slug = 'visited'"))[0]?.id)).toBeGreaterThan(Number(room?.id));
  });

  test("are not removed while someone enters, and nobody enters one that is removed", async () => {
    await create("raced");
    const ann = await person(url, "Racer");
    await state("raced");
    await sql(`update rooms set created_at = now() - interval '25 hours', used_at = now() - interval '25 hours'
      where slug = 'raced'`);
    const [entered] = await Promise.all([enter(ann, "raced"), removeRooms(node.app.site.db, node.app.site.wakeUps)]);
    const [room] = await sql("select id from rooms where slug = 'raced'");
    expect(room !== undefined).toBe(entered.status === 200);
    const orphans = await sql("select from members where not exists (select from rooms where id = room_id)");
    expect(orphans).toEqual([]);
    await sql("delete from rooms where slug = 'raced'"); // While a node has it in memory.
    expect((await enter(ann, "raced")).body.code).toBe("no_such_room");
    await create("raced");
    await enter(ann, "raced").expect(200);
  });
});
