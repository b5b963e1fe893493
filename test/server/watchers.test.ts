import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { openSite, person, type TestNode, type TestPerson, type TestSite } from "../support/app.ts";
import { until } from "../support/until.ts";
import { type From, from, type HeldRequest } from "../support/visitor.ts";

/** Connections of one page may come to two nodes. */
let site: TestSite;
let visitor: From;
let rooms = 0;

beforeAll(async () => {
  site = await openSite({}, 2);
  visitor = from("", "127.0.0.1");
}, 30_000);

afterAll(async () => {
  visitor.close();
  await site.close();
});

const url = (node = 0) => (site.nodes[node] as TestNode).url;

/** Makes a room with one member, and returns all figures that the member is sent. */
async function watchedRoom(): Promise<{ room: string; figures(): string[]; ann: TestPerson }> {
  rooms += 1;
  const room = `watched-${rooms}`;
  await request(url()).post("/api/rooms").send({ slug: room }).expect(201);
  const ann = await person(url(), `Ann ${rooms}`);
  await request(url()).post(`/api/rooms/${room}/enter`).set("authorization", `Bearer ${ann.token}`).expect(200);
  const stream = await visitor.hold(`${url()}/api/events?room=${room}&token=${ann.token}`);
  const figures = () =>
    [...stream.text().matchAll(/"members":(\d+),"visitors":(\d+)/g)].map(
      ([, members, visitors]) => `${members}+${visitors}`,
    );
  await until("the member is counted", () => figures().length > 0);
  return { room, figures, ann };
}

/** Opens a stream of a room as the page and request of a nonce, at one of the nodes. */
const reads = (at: { room: string; node?: number }, nonce: string, headers = {}): Promise<HeldRequest> =>
  visitor.hold(`${url(at.node)}/api/events?room=${at.room}&n=${nonce}`, headers);

/** The headers of a browser that knows both nodes under one name, as behind a proxy. */
const browser = (name: string) => ({
  host: new URL(url()).host,
  cookie: `chattera-visit-${new URL(url()).port}=${name.padEnd(16, "x")}`,
});

const visitors = async (room: string, node = 0) => (await request(url(node)).get(`/api/rooms/${room}`)).body.visitors;

/** Lets the figures be published twice. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 5_000));

describe("a watcher", () => {
  test("with two connections is counted once, by the page that its nonces name, also at two nodes", async () => {
    const { room, figures } = await watchedRoom();
    const held = await Promise.all([0, 0, 1].map((node, n) => reads({ room, node }, `page1.${n}`)));
    await until("the watcher is counted", () => figures().at(-1) === "1+1");
    await settle();
    expect(figures()).toEqual(["1+0", "1+1"]);
    // The premise: they are three connections, and another page is another watcher.
    held.push(await reads({ room, node: 1 }, "page2.0"));
    await until("another page is counted", () => figures().at(-1) === "1+2");
    held.push(await reads({ room }, "nobody"), await reads({ room }, "nobody"));
    await until("programs that name no page are counted by connection", () => figures().at(-1) === "1+4");
    expect(figures()).toEqual(["1+0", "1+1", "1+2", "1+4"]);
    for (const one of held) one.close();
    await until("nobody watches", () => figures().at(-1) === "1+0", 15_000);
  }, 60_000);

  test("stays one while its connection is replaced, and while it is between two polls", async () => {
    const { room, figures } = await watchedRoom();
    let stream = await reads({ room }, "moving.0");
    await until("the watcher is counted", () => figures().at(-1) === "1+1");
    for (let n = 1; n < 4; n += 1) {
      stream.close();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      stream = await reads({ room, node: n % 2 }, `moving.${n}`);
    }
    stream.close();
    for (let n = 4; n < 8; n += 1) {
      await request(url(n % 2))
        .get(`/api/poll?room=${room}&wait=0&n=moving.${n}`)
        .expect(200);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    }
    expect(figures()).toEqual(["1+0", "1+1"]);
    await until("it is gone", () => figures().at(-1) === "1+0", 15_000);
  }, 60_000);

  test("is the same in all tabs of its browser, and before and after a reload", async () => {
    const { room, figures } = await watchedRoom();
    const held = [
      await reads({ room }, "tab1.0", browser("ben")),
      await reads({ room, node: 1 }, "tab2.0", browser("ben")),
    ];
    await until("the watcher is counted", () => figures().at(-1) === "1+1");
    held.push(await reads({ room }, "tab3.0", browser("ben")));
    for (const one of held.slice(0, 2)) one.close();
    await settle();
    expect(figures()).toEqual(["1+0", "1+1"]);
    for (const one of held) one.close();
  }, 60_000);

  test("becomes a member by entering, and never counts as both", async () => {
    const { room, figures } = await watchedRoom();
    const stream = await reads({ room, node: 1 }, "entering.0", browser("eve"));
    await until("the watcher is counted", () => figures().at(-1) === "1+1");
    const eve = await person(url(), `Eve ${room}`);
    const bearer = { authorization: `Bearer ${eve.token}`, ...browser("eve") };
    await request(url()).post(`/api/rooms/${room}/enter;n=entering.1`).set(bearer).expect(200);
    await until("the member is counted", () => figures().at(-1)?.startsWith("2"));
    const asMember = await visitor.hold(
      `${url(1)}/api/events?room=${room}&token=${eve.token}&n=entering.2`,
      browser("eve"),
    );
    await settle();
    stream.close();
    await settle();
    expect(figures()).toEqual(["1+0", "1+1", "2+0"]);
    await request(url()).post(`/api/rooms/${room}/leave`).set(bearer).expect(200);
    await until("the member left", () => figures().at(-1)?.startsWith("1"));
    asMember.close();
    await settle();
    expect(figures()).toEqual(["1+0", "1+1", "2+0", "1+0"]);
  }, 60_000);

  test("by pages that reload themselves is counted until the next one is due", async () => {
    const { room, figures } = await watchedRoom();
    await visitor.get(`${url()}/rooms/${room}/live?refresh=5`, browser("w3m"));
    await until("the watcher is counted", () => figures().at(-1) === "1+1");
    await until("it is gone", () => figures().at(-1) === "1+0", 25_000);
  }, 60_000);

  test("is sent no figures until they contain it, since its page shows them already", async () => {
    const { room, figures } = await watchedRoom();
    const first = await visitor.get(`${url()}/rooms/${room}`, browser("new"));
    expect(peopleOn(first.text)).toBe("1 here, 1 watching");
    const stream = await reads({ room }, "new.0", browser("new"));
    const polled = await visitor.get(`${url()}/api/poll?room=${room}&wait=0&n=new.1`, browser("new"));
    expect(polled.body.signals).toEqual([]);
    await until("the watcher is counted", () => figures().at(-1) === "1+1");
    await until("it is sent the figures", () => stream.text().includes("members"));
    expect(stream.text()).not.toContain('"visitors":0');
    const again = await visitor.get(`${url(1)}/rooms/${room}`, browser("new"));
    expect(peopleOn(again.text)).toBe("1 here, 1 watching");
    expect(await visitors(room)).toBe(1);
    stream.close();
  }, 60_000);
});

test("one network cannot count for many watchers without connections", async () => {
  const { room, figures } = await watchedRoom();
  await Promise.all(
    Array.from({ length: 300 }, (_, n) => visitor.get(`${url()}/rooms/${room}/live?refresh=300`, browser(`fake${n}`))),
  );
  await until("some are counted", () => figures().at(-1) !== "1+0");
  await settle();
  expect(figures().at(-1)).toBe("1+200");
}, 60_000);

function peopleOn(page: string): string | undefined {
  return /id="people-figures"[^>]*>([^<]*)</.exec(page)?.[1];
}
