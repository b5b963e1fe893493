import { afterAll, afterEach, beforeAll, expect, jest } from "@jest/globals";
import request from "supertest";
import { openStream } from "../../server/testing.ts";
import { openSite, person, say, type TestNode, type TestSite } from "../support/app.ts";
import { type BadProxy, openBadProxy } from "../support/bad-proxy.ts";
import { isWhole } from "../support/browser.ts";
import { type Explorer, type Explorers, explorerTest, openExplorers, soon } from "../support/internet-explorer.ts";
import { pollsOf } from "../support/raw-connection.ts";
import { hasItsFaults } from "./faults.ts";

// HtmlUnit starts slowly, and the first time Maven fetches it
jest.setTimeout(180_000);

let explorers: Explorers | undefined;
let site: TestSite;
let url: string;
let proxy: BadProxy;
const open: Explorer[] = [];

beforeAll(async () => {
  explorers = await openExplorers();
  site = await openSite();
  url = site.nodes[0]?.url as string;
  proxy = await openBadProxy(url);
  await request(url).post("/api/rooms").send({ slug: "garden" }).expect(201);
});

afterAll(async () => {
  await explorers?.close();
  await proxy.close();
  await site.close();
});

afterEach(async () => {
  await proxy.pass();
  const errors = await Promise.all(open.map((ie) => ie.errors()));
  for (const ie of open.splice(0)) await ie.close();
  expect(errors.flat()).toEqual([]);
});

hasItsFaults(() => explorers);

type Version = "6" | "7" | "8";

/** Returns the site's URL by way of the proxy. */
const throughProxy = () => proxy.through(url).replace(/\/$/, "");

/** Enters the lobby as a person does, not before the page is live, and waits until it is again. */
async function sit(
  version: Version,
  nickname: string,
  { at = url, zone }: { at?: string; zone?: "strict" } = {},
): Promise<Explorer> {
  const ie = await visit(version, `${at}/rooms/lobby`, zone);
  await is(ie, "live");
  await ie.type("#enter [name=nickname]", nickname);
  await ie.click("#enter [type=submit]");
  await soon("there is a form to say something", async () => (await ie.see("#say")).length === 1);
  await is(ie, "live");
  return ie;
}

async function visit(version: Version, page: string, zone?: "strict"): Promise<Explorer> {
  const ie = (await explorers?.start(version, zone)) as Explorer;
  open.push(ie);
  await ie.open(page);
  // A page whose script is missing (perhaps built again meanwhile) shows no error.
  const [script] = await ie.see("script");
  await request(url)
    .get(script?.src as string)
    .expect(200);
  return ie;
}

async function write(ie: Explorer, text: string): Promise<void> {
  await ie.type("#say [name=text]", text);
  await ie.click("#say [type=submit]");
}

/**
 * Writes and sends without keys: while scripts arrive on other threads, HtmlUnit loses
 * `window.event`.
 */
async function put(ie: Explorer, text: string): Promise<void> {
  await ie.run(`document.getElementById("text").value = ${JSON.stringify(text)}`);
  await ie.click("#say [type=submit]");
}

/** Waits for the connection line's state. */
const is = (ie: Explorer, state: string) =>
  soon(`it is ${state}`, async () => (await ie.see("#connection"))[0]?.["data-state"] === state);

/** Waits for messages, and looks whether the log holds each event once, in order. */
async function seesAll(ie: Explorer, texts: string[]): Promise<void> {
  const said = async () => (await ie.see("#log [data-seq] .text")).map((line) => line.text as string);
  const isThere = async () => {
    const seen = await said();
    return texts.every((text) => seen.includes(text)) && (await ie.see("#log .pending")).length === 0;
  };
  await soon(`${texts} are on the page`, isThere);
  expect((await said()).filter((text) => texts.includes(text))).toEqual(texts);
  // A receipt may overtake the event before it.
  await soon("no seq is missing or out of order", async () =>
    isWhole((await ie.see("#log [data-seq]")).map((line) => Number(line["data-seq"]))),
  );
}

for (const version of ["6", "7", "8"] as const) {
  explorerTest(
    `Internet Explorer ${version}: the form enters the room, and messages arrive at once in both directions`,
    async () => {
      const bob = await person(url, `Bob${version}`);
      const ie = await sit(version, `Ann${version}`);
      const stream = await openStream(url, { room: "lobby" });
      await say(url, bob, `hello, ${version}`);
      await seesAll(ie, [`hello, ${version}`]);
      await write(ie, `早い <b>&amp; 'quick' ${version}`);
      await seesAll(ie, [`hello, ${version}`, `早い <b>&amp; 'quick' ${version}`]);
      const heard = await soon("it is heard", async () =>
        (await stream.events(1)).find(({ text }) => text?.startsWith("早い")),
      );
      expect(heard).toMatchObject({ text: `早い <b>&amp; 'quick' ${version}`, member: { nickname: `Ann${version}` } });
      await soon("both are in the list", async () => {
        const here = (await ie.see("#members .nickname")).map(({ text }) => text);
        return here.includes(`Ann${version}`) && here.includes(`Bob${version}`);
      });
      expect((await ie.see("#connection"))[0]?.["data-transport"]).toBe("poll");
      await stream.close();
    },
  );
}

for (const [version, slug] of [
  ["6", "tea"],
  ["8", "hill"],
] as const) {
  explorerTest(
    `Internet Explorer ${version}: the lobby shows a new room, whose button works, and who is there`,
    async () => {
      const ie = await visit(version, `${url}/`);
      await request(url)
        .post("/api/rooms")
        .send({ slug, title: `${slug} <b>` })
        .expect(201);
      const ann = await person(url, `Ann ${version}`);
      await say(url, ann, { text: "the first", room: slug });
      const item = async () => (await ie.see(".room-item")).find(({ text }) => text?.includes(`${slug} <b>`));
      await soon("the room is listed", item);
      await soon("its people are counted", async () => (await item())?.text?.includes("1 here"));
      expect((await item())?.text).toMatch(/last message \d\d:\d\d/);
      await ie.type("#enter [name=nickname]", `Ben ${version}`);
      await ie.click(`#enter button[value=${slug}]`);
      await soon("Ben is in the new room", async () => (await ie.see("#say")).length === 1);
      expect((await ie.see(".bar-title"))[0]?.text).toBe(`${slug} <b>`);
      expect(await ie.errors()).toEqual([]);
    },
  );
}

explorerTest("Internet Explorer 7: a button of the lobby enters its room", async () => {
  const ie = await visit("7", `${url}/`);
  await ie.type("#enter [name=nickname]", "Lobbyist");
  await ie.click("#enter button[value=garden]");
  await soon("the room is there", async () => (await ie.see("#say")).length === 1);
  expect(await ie.run("return location.href")).toBe(`${url}/rooms/garden`);
});

explorerTest("Internet Explorer 7: a taken nickname is explained, and another one is accepted", async () => {
  await say(url, await person(url, "Taken"), "I am Taken");
  const ie = await visit("7", `${url}/rooms/lobby`);
  await is(ie, "live");
  await ie.type("#enter [name=nickname]", "Taken");
  await ie.click("#enter [type=submit]");
  await soon("it is said", async () => (await ie.see("#problem"))[0]?.text?.includes("nickname"));
  await ie.type("#enter [name=nickname]", "2");
  await ie.click("#enter [type=submit]");
  await soon("there is a form to say something", async () => (await ie.see("#say")).length === 1);
  await write(ie, "I am Taken2");
  await seesAll(ie, ["I am Taken", "I am Taken2"]);
});

explorerTest("Internet Explorer 7: the doctor tests the network", async () => {
  const ie = await visit("7", `${url}/doctor`);
  for (const step of ["reach", "params", "post", "size"]) {
    await soon(`${step} is OK`, async () => (await ie.see(`#outcome-${step}`))[0]?.text?.startsWith("OK"));
  }
});

explorerTest(
  "Internet Explorer 7: days are separated, and comings and goings fold into a line that opens",
  async () => {
    await request(url).post("/api/rooms").send({ slug: "station" }).expect(201);
    const act = async (nickname: string, what: "enter" | "leave") => {
      const { token } = await person(url, nickname);
      await request(url)
        .post(`/api/rooms/station/${what}`)
        .set("authorization", `Bearer ${token}`)
        .send({})
        .expect(200);
    };
    for (const n of [1, 2, 3]) await act(`Arriving ${n}`, "enter");
    const ie = await visit("7", `${url}/rooms/station`);
    const link = async () => (await ie.see("#log .folded .fold"))[0];
    await soon("they are one line", async () => (await link())?.text === "3 came");
    expect((await ie.see("#log .day"))[0]?.text).toBe(await ie.run("return new Date().toDateString()"));
    await is(ie, "live");
    await act("Arriving 4", "enter");
    await soon("there is one more", async () => (await link())?.text === "4 came");
    expect((await link())?.["aria-expanded"]).toBe("false");
    await ie.click("#log .folded .fold");
    expect((await link())?.["aria-expanded"]).toBe("true");
    expect((await ie.see("#log .folded .line")).map(({ text }) => text)).toEqual(
      [1, 2, 3, 4].map((n) => expect.stringMatching(new RegExp(`^Arriving ${n} ?\\d\\d:\\d\\d ?entered$`))),
    );
  },
);

explorerTest("two users of Internet Explorer 7 talk, each message faster than a poll is held", async () => {
  const [ken, mei] = await Promise.all([sit("7", "健"), sit("7", "芽衣")]);
  const said: string[] = [];
  for (const [ie, text] of [
    [ken, "one"],
    [mei, "two"],
    [ken, "three"],
  ] as const) {
    said.push(text);
    const since = performance.now();
    await write(ie, text);
    await seesAll(ken, said);
    await seesAll(mei, said);
    expect(performance.now() - since).toBeLessThan(10_000);
  }
});

explorerTest("Internet Explorer 7: polls take the fast path from the second one on", async () => {
  const node = site.nodes[0] as TestNode;
  const bob = await person(url, "Regular");
  const ie = await sit("7", "Poller");
  const before = await pollsOf(node);
  for (let n = 0; (await pollsOf(node)).kept < before.kept + 2; n += 1) {
    expect(n).toBeLessThan(10);
    await soon("it polls", () => node.app.site.hub.readers.size > 0);
    await say(url, bob, `more ${n}`);
    await seesAll(ie, [`more ${n}`]);
  }
});

explorerTest(
  "Internet Explorer 7 without a network keeps messages in gray, and sends each once when it is back",
  async () => {
    const bob = await person(url, "Bob");
    const ie = await sit("7", "Tunnel", { at: throughProxy() });
    await write(ie, "before");
    await seesAll(ie, ["before"]);
    await proxy.refuse();
    await is(ie, "offline");
    await write(ie, "kept one");
    await write(ie, "kept two");
    await soon("both are greyed", async () => (await ie.see("#log .pending")).length === 2);
    await say(url, bob, "while away");
    await proxy.pass();
    await seesAll(ie, ["before", "while away", "kept one", "kept two"]);
    await is(ie, "live");
  },
);

explorerTest("Internet Explorer 8: what waits can be canceled, outlives a reload, and is sent once", async () => {
  const ie = await sit("8", "Reloader", { at: throughProxy() });
  await proxy.refuse();
  for (const text of ["taken back", "kept for later"]) await write(ie, text);
  await soon("both are kept", async () => (await ie.see("#log .kept")).length === 2);
  await ie.run(`
    var links = document.getElementById("log").getElementsByTagName("a");
    for (var i = 0; i < links.length; i++) if (links[i].innerHTML === "Cancel") return links[i].onclick();`);
  await soon("one is left", async () => (await ie.see("#log .pending")).length === 1);
  // HtmlUnit does not do this when another page is opened.
  await ie.run("window.onunload()");
  await proxy.pass();
  await ie.open(`${throughProxy()}/rooms/lobby`);
  await seesAll(ie, ["kept for later"]);
  const { body } = await request(url).get("/api/rooms/lobby/messages?limit=200");
  const said = body.events.map(({ text }: { text?: string }) => text);
  expect(said.filter((text: string) => text === "taken back" || text === "kept for later")).toEqual(["kept for later"]);
});

explorerTest("Internet Explorer 7 without requests and ActiveX is current soon after a cut", async () => {
  const bob = await person(url, "Bobbin");
  const ie = await sit("7", "Stricter", { at: throughProxy(), zone: "strict" });
  expect((await ie.see("#connection"))[0]?.["data-transport"]).toBe("jsonp");
  await put(ie, "before the cut");
  await seesAll(ie, ["before the cut"]);
  // An attempt that waited for its timeout would take the page 20 s to notice this.
  await proxy.refuse();
  await is(ie, "offline");
  await put(ie, "in the cut");
  await say(url, bob, "missed");
  await proxy.pass();
  await seesAll(ie, ["missed", "in the cut"]);
});

explorerTest("Internet Explorer 7: repeated cuts lose and duplicate no message", async () => {
  const bob = await person(url, "Bobby");
  const ie = await sit("7", "Cutter", { at: throughProxy() });
  const texts: string[] = [];
  for (let n = 0; n < 6; n += 1) {
    texts.push(`cut ${n}`);
    await say(url, bob, `cut ${n}`);
    await soon("there is something to cut", () => proxy.connections());
    if (n % 2) proxy.cut();
  }
  await seesAll(ie, texts);
  proxy.cutBeforeAnswer();
  await write(ie, "said once");
  await soon("it is greyed", async () => (await ie.see("#log .pending")).length === 1);
  await proxy.pass();
  await seesAll(ie, [...texts, "said once"]);
});
