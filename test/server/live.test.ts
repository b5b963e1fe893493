import { get, type IncomingMessage } from "node:http";
import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { append } from "../../db/log/append.ts";
import type { Tail } from "../../server/delivery/tail.ts";
import { en } from "../../server/pages/words/en.ts";
import { ja } from "../../server/pages/words/ja.ts";
import { clientId, openNode, person, say, type TestPerson } from "../support/app.ts";
import { openBadProxy } from "../support/bad-proxy.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
let ann: TestPerson;

beforeAll(async () => {
  ann = await person(site.url, "Ann");
  await say(site.url, ann, "the first");
});

describe("a page that grows", () => {
  test("is a page with a form and a log that grows by each message, once and in order", async () => {
    const page = await openPage(`${site.url}/rooms/lobby/live`);
    await page.shows("the first");
    expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(page.headers["cache-control"]).toBe("no-store, no-transform");
    expect(page.text()).toMatch(/<form id="enter"[\s\S]*<\/form>[\s\S]*<ol id="log"/);
    for (const text of ["one", "two <b>", "three"]) {
      await say(site.url, ann, text);
      await page.shows(`${text.replace("<b>", "&lt;b&gt;")}</span>`);
    }
    expect(page.hasEnded()).toBe(false);
    expect(page.text()).not.toContain("</html>");
    expect(isContiguous(seqsOf(page.text()))).toBe(true);
    await page.close();
  });

  test("finds out by a picture whether it arrives: if that is fetched it continues, else it ends with a refresh", async () => {
    const passed = await openPage(`${site.url}/rooms/lobby/live`);
    const known = await openPage(`${site.url}/rooms/lobby/live`, { cookie: "arrives=1" });
    const held = await openPage(`${site.url}/rooms/lobby/live`);
    const [sign] = await passed.finds(/<img src="([^"]+)"/);
    const picture = await request(site.url).get(String(sign)).expect(200);
    expect(picture.headers["content-type"]).toBe("image/gif");
    expect(String(picture.headers["set-cookie"])).toContain("arrives=1");
    await say(site.url, ann, "on both");
    await until("the page that gave no sign ends", held.hasEnded, 14_000);
    expect(held.text()).toContain("</html>");
    await say(site.url, ann, "on two, and on the next");
    for (const page of [passed, known]) await page.shows("on two, and on the next");
    const next = await openPage(site.url + refreshOf(held.text()).address);
    await next.shows("on two, and on the next");
    const seqs = seqsOf(held.text());
    expect(seqsOf(next.text()).filter((seq) => seq > (seqs.at(-1) ?? 0))).toEqual([(seqs.at(-1) ?? 0) + 1]);
    expect(refreshOf(held.text()).seconds).toBe(0);
    for (const page of [passed, known, next]) await page.close();
  }, 20_000);

  test("ignores a picture that is fetched late", async () => {
    const late = await request(site.url)
      .get(`/rooms/lobby/live/sign;page=x;at=${Date.now() - 9_000}`)
      .expect(200);
    expect(late.headers["set-cookie"]).toBeUndefined();
  });

  test("continues from a cursor without gaps or doubles, from more than a page of the log back", async () => {
    const { cursor, event } = await say(site.url, ann, "far back");
    await sayMany(230);
    const page = await openPage(`${site.url}/rooms/lobby/live;after=${cursor}`);
    await say(site.url, ann, "and live");
    await page.shows("and live");
    const seqs = seqsOf(page.text());
    expect(isContiguous(seqs)).toBe(true);
    expect(seqs.at(-1)).toBe(event.seq + 231);
    await page.close();
  });

  test("answers HEAD, and leaves nothing behind when its reader disconnects", async () => {
    const { readers } = site.node.app.site.hub;
    await request(site.url).head("/rooms/lobby/live").expect(200);
    const page = await openPage(`${site.url}/rooms/lobby/live`);
    await until("the reader is counted", () => readers.size === 1);
    await page.close();
    await until("the reader is gone", () => readers.size === 0);
  });

  test("counts its reader: a member stays, a watcher is a visitor", async () => {
    const node = await openNode(site.databaseUrl, { graceSeconds: 1 });
    await request(site.url).post("/api/rooms").send({ slug: "quiet" }).expect(201);
    const [bob, eve] = [await person(node.url, "Bob"), await person(node.url, "Eve")];
    for (const who of [bob, eve]) await say(node.url, who, { text: "here", room: "quiet" });
    const pages = [
      await openPage(`${node.url}/rooms/quiet/live`, { cookie: bob.cookie }),
      await openPage(`${node.url}/rooms/quiet/live`),
    ];
    const state = async () => (await request(node.url).get("/api/rooms/quiet")).body;
    // Eve does not read and leaves after the grace. Bob stays.
    await until("Eve is gone and one watches", async () => {
      const { members, visitors } = await state();
      return members.length === 1 && visitors === 1;
    });
    expect((await state()).members[0].nickname).toBe("Bob");
    for (const page of pages) await page.close();
    await node.close();
  });

  test("ends with a link to its successor when the node drains", async () => {
    const node = await openNode(site.databaseUrl);
    const page = await openPage(`${node.url}/rooms/lobby/live`);
    await page.shows("</li>");
    await until("it is joined", () => node.app.site.hub.readers.size === 1);
    node.app.drain();
    await until("it ends", page.hasEnded);
    expect(refreshOf(page.text()).seconds).toBeGreaterThan(0);
    const { text } = await request(node.url).get("/rooms/lobby/live").expect(200);
    expect(text).toContain("Many people are reading right now");
    expect(refreshOf(text).address).toContain("/refresh=0/");
    await node.close();
  });
});

test("a page that was being opened when the node drained ends with a link to its successor", async () => {
  const node = await openNode(site.databaseUrl);
  const { db } = node.app.site;
  const onQuery = ({ sql }: { sql: string }) => {
    // The page's first lines are being read.
    if (/talk_page/.test(sql)) node.app.drain();
  };
  db.on("query", onQuery);
  const { text } = await request(node.url).get("/rooms/lobby/live").expect(200);
  expect(refreshOf(text).seconds).toBeGreaterThan(0);
  expect(text).not.toContain("Many people are reading right now");
  await node.close();
});

describe("a page that refreshes", () => {
  test("is whole, newest line first, and says which messages it shows", async () => {
    const { event } = await say(site.url, ann, "the newest");
    const { text } = await request(site.url).get("/rooms/lobby/live?refresh=10").expect(200);
    const seqs = seqsOf(text);
    expect([seqs[0], text.match(/class="line message/g)?.length]).toEqual([event.seq, 50]);
    expect(isContiguous([...seqs].reverse())).toBe(true);
    expect(text).toContain(`Messages ${event.seq - seqs.length + 1}–${event.seq}, 0 new`);
    expect(text.indexOf('<form id="enter"')).toBeLessThan(text.indexOf('<ol id="log"'));
    expect(text).toContain("</html>");
  });

  test("continues from its cursor: over all loads nothing is lost and nothing is new twice", async () => {
    const first = await request(site.url).get("/rooms/lobby/live?refresh=7").expect(200);
    const shown: number[] = [];
    let next = refreshOf(first.text);
    for (const messages of [1, 0, 3, 210]) {
      await sayMany(messages);
      for (let left = messages; left >= 0; left -= 200) {
        const { text } = await request(site.url).get(next.address).expect(200);
        const isNew = Number(/data-new="(\d+)"/.exec(text)?.[1]);
        shown.push(...seqsOf(text).slice(0, isNew).reverse());
        next = refreshOf(text);
        expect(next.seconds).toBe(left > 200 ? 1 : 7);
      }
    }
    const start = seqsOf(first.text)[0] as number;
    expect(shown).toEqual(Array.from({ length: 214 }, (_, n) => start + 1 + n));
  }, 30_000);

  test.each(["w3m/0.5.3", "Lynx/2.9.0dev.12 libwww-FM/2.14"])(
    "is sent to %s, which shows no page before its end",
    async (agent) => {
      const { text } = await request(site.url).get("/rooms/lobby/live").set("user-agent", agent).expect(200);
      expect(refreshOf(text)).toEqual({
        seconds: 10,
        address: expect.stringMatching(/^\/rooms\/lobby\/live\/refresh=10\/after=[\w.-]+$/),
      });
    },
  );

  test.each([
    ["not a cursor", "malformed"],
    ["zzz.1-4", "epoch"],
    ["AHEAD", "future"],
  ] as const)("says in words that the place %s cannot be gone on from", async (given, reason) => {
    const { cursor } = await say(site.url, ann, "a place");
    const after = given === "AHEAD" ? cursor.replace(/\d+$/, "99999999") : given;
    const path = `/rooms/lobby/live?after=${encodeURIComponent(after)}`;
    const renewed = await request(site.url).get(`${path}&refresh=10`).set("accept-language", "ja").expect(200);
    expect(renewed.text).toContain(ja.live.resets[reason]);
    expect(renewed.text).toContain("a place");
    const grows = await openPage(site.url + path);
    await grows.shows(en.live.resets[reason]);
    await grows.shows("a place");
    await grows.close();
  });

  test("keeps its member in the room until the next refresh and a grace after it, and no longer", async () => {
    const node = await openNode(site.databaseUrl, { graceSeconds: 1 });
    await request(site.url).post("/api/rooms").send({ slug: "slow" }).expect(201);
    const [rea, bob] = [await person(node.url, "Rea"), await person(node.url, "Bob")];
    await say(node.url, rea, { text: "here", room: "slow" });
    const renew = async () =>
      (await request(node.url).get("/rooms/slow/live?refresh=6").set("cookie", rea.cookie)).text;
    expect(await renew()).toContain('<form id="say"');
    const renewedAt = performance.now();
    await say(node.url, bob, { text: "here", room: "slow" });
    const members = async () => (await request(node.url).get("/api/rooms/slow")).body.members;
    // Bob does not read, but was seen last.
    await until("Bob is gone", async () => !(await members()).some(({ id }: TestPerson) => id === bob.id));
    expect(await members()).toMatchObject([{ nickname: "Rea" }]);
    await until("Rea is gone", async () => (await members()).length === 0, 20_000);
    expect(performance.now() - renewedAt).toBeGreaterThan(7_000);
    await node.close();
  }, 30_000);

  test("works under a base path", async () => {
    const node = await openNode(site.databaseUrl, { basePath: "/chat" });
    const { text } = await request(node.url).get("/chat/rooms/lobby/live?refresh=10").expect(200);
    const { address } = refreshOf(text);
    expect(address).toMatch(/^\/chat\/rooms\/lobby\/live\/refresh=10\/after=/);
    await request(node.url).get(address).expect(200);
    const page = await openPage(`${node.url}/chat/rooms/lobby/live`);
    expect((await page.finds(/<img src="([^"]+)"/))[0]).toMatch(/^\/chat\/rooms\/lobby\/live\/sign;/);
    await page.close();
    await node.close();
  });

  test("retries automatically while the database is away", async () => {
    const proxy = await openBadProxy(site.databaseUrl);
    const node = await openNode(proxy.through(site.databaseUrl));
    await request(node.url).get("/rooms/lobby/live?refresh=10").expect(200);
    await proxy.refuse();
    const { text } = await request(node.url).get("/rooms/lobby/live?refresh=10").expect(503);
    expect(text).toContain('<meta http-equiv="refresh" content="10">');
    expect(text).toContain(en.refusals.unavailable);
    await proxy.pass();
    await until("it is back", async () => (await request(node.url).get("/rooms/lobby/live?refresh=10")).status === 200);
    await node.close();
    await proxy.close();
  }, 30_000);
});

test("a full node refreshes the page instead, and says so", async () => {
  const node = await openNode(site.databaseUrl, { readersMax: 1 });
  const first = await openPage(`${node.url}/rooms/lobby/live`);
  await until("the first is counted", () => node.app.site.hub.readers.size === 1);
  const { text } = await request(node.url).get("/rooms/lobby/live").expect(200);
  expect(text).toContain(en.live.busy.replace("{seconds}", "10"));
  await first.close();
  await until("the first is gone", () => node.app.site.hub.readers.size === 0);
  const second = await openPage(node.url + refreshOf(text).address);
  await second.shows(en.live.grows);
  await second.close();
  await node.close();
});

describe("the form next to it", () => {
  test("enters and returns to the page that was being read, and shows one's own message once", async () => {
    const browser = request.agent(site.url);
    const outside = await browser.get("/rooms/lobby/live?refresh=10");
    const entered = await browser
      .post("/rooms/lobby")
      .type("form")
      .send({ ...hidden(outside.text), nickname: "Formal" })
      .expect(303);
    const page = await browser.get(String(entered.headers.location)).expect(200);
    expect(page.text).toMatch(/<input id="text" name="text"/);
    const form = { ...hidden(page.text), text: "said by form" };
    const places: string[] = [];
    for (let twice = 0; twice < 2; twice += 1)
      places.push(String((await browser.post("/rooms/lobby").type("form").send(form).expect(303)).headers.location));
    expect(places[0]).toMatch(/^\/rooms\/lobby\/live\/refresh=10\/after=/);
    expect(places[1]).toBe(places[0]);
    const { text } = await browser.get(String(places[0])).expect(200);
    expect(text.match(/said by form/g)).toHaveLength(1);
    expect(text).toContain(", 1 new");
  });

  test("keeps a refused message, and the link back", async () => {
    const browser = request.agent(site.url);
    const outside = await browser.get("/rooms/lobby/live?refresh=10");
    await browser
      .post("/rooms/lobby")
      .type("form")
      .send({ ...hidden(outside.text), nickname: "Wordy" })
      .expect(303);
    const page = await browser.get("/rooms/lobby/live?refresh=10");
    const refused = await browser
      .post("/rooms/lobby")
      .type("form")
      .send({ ...hidden(page.text), text: "x".repeat(2001) })
      .expect(400);
    expect(refused.text).toContain(en.refusals.text_invalid);
    expect(refused.text).toContain("x".repeat(2001));
    const again = await browser
      .post("/rooms/lobby")
      .type("form")
      .send({ ...hidden(refused.text), text: "shorter" })
      .expect(303);
    expect(again.headers.location).toContain("/live/refresh=10");
  });
});

test("a room's page leads to it without script, by a frame and by a link, in both languages", async () => {
  for (const [language, words] of [
    ["en", en],
    ["ja", ja],
  ] as const) {
    const { text } = await request(site.url).get("/rooms/lobby").set("accept-language", language);
    const parts = (text.match(/<noscript>[\s\S]*?<\/noscript>/g) ?? []).join("");
    expect(parts).toContain(`<a href="/rooms/lobby/live">${words.live.follow}</a>`);
    expect(parts).toContain('src="/rooms/lobby/live;only=log"');
  }
  // Whole at first, so that the room's page finishes loading, and growing from then on.
  const { text } = await request(site.url).get("/rooms/lobby/live;only=log").expect(200);
  expect(text).not.toContain("<form");
  const next = refreshOf(text);
  expect(next.seconds).toBe(1);
  const page = await openPage(site.url + next.address);
  await say(site.url, ann, "in the frame");
  await page.shows("in the frame");
  expect([page.hasEnded(), page.text().includes("<form")]).toEqual([false, false]);
  await page.close();
});

/** Inserts `count` messages in one statement, as fast as a crowd sends them. */
async function sayMany(count: number): Promise<void> {
  const { app } = site.node;
  const [tail] = (await app.site.hub.rooms.open(["lobby"])) as [Tail];
  const member = { id: ann.id, nickname: ann.nickname, color: "#b3261e" };
  const drafts = Array.from({ length: count }, (_, n) => ({
    roomId: tail.id,
    kind: "message" as const,
    member,
    text: `of many ${n}`,
    clientId: clientId(),
  }));
  if (count > 0) await append(app.site.db, drafts);
}

/** Opens a page. Reads it while it arrives. */
type OpenPage = {
  headers: IncomingMessage["headers"];
  text(): string;
  hasEnded(): boolean;
  shows(part: string): Promise<void>;
  /** Resolves with the groups of the first match. */
  finds(pattern: RegExp): Promise<string[]>;
  close(): Promise<void>;
};

async function openPage(address: string, headers: { [name: string]: string } = {}): Promise<OpenPage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(address, { agent: false, headers }, resolve).once("error", reject);
  });
  let text = "";
  let hasEnded = false;
  response.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  response.once("end", () => {
    hasEnded = true;
  });
  response.on("error", () => undefined);
  return {
    headers: response.headers,
    text: () => text,
    hasEnded: () => hasEnded,
    shows: async (part) => {
      await until(`the page shows ${part}`, () => text.includes(part), 10_000);
    },
    finds: async (pattern) => (await until(`the page has ${pattern}`, () => pattern.exec(text))).slice(1),
    close: async () => {
      response.destroy();
    },
  };
}

function seqsOf(html: string): number[] {
  return [...html.matchAll(/<li [^>]*data-seq="(\d+)"/g)].map((match) => Number(match[1]));
}

function isContiguous(seqs: number[]): boolean {
  return seqs.length > 1 && seqs.every((seq, n) => n === 0 || seq === (seqs[n - 1] as number) + 1);
}

/** Returns the address and the delay of a page's refresh. The last one counts. */
function refreshOf(html: string): { seconds: number; address: string } {
  const [, seconds, address] =
    [...html.matchAll(/<meta http-equiv="refresh" content="(\d+); url=([^"]+)">/g)].at(-1) ?? [];
  return { seconds: Number(seconds), address: String(address) };
}

/** Returns the hidden fields of a page's forms, with the last value of each name. */
function hidden(html: string): { [name: string]: string } {
  const form = /<form id="(?:say|enter)"[\s\S]*?<\/form>/.exec(html)?.[0] ?? "";
  const fields = [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)];
  return Object.fromEntries(fields.map(([, name, value]) => [name, value]));
}
