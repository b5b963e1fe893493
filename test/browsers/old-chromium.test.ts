import { afterAll, afterEach, beforeAll, describe, expect } from "@jest/globals";
import request from "supertest";
import { openStream } from "../../server/testing.ts";
import { person, say, type TestPerson } from "../support/app.ts";
import { createDatabase } from "../support/database.ts";
import { freePort } from "../support/free-port.ts";
import { type OldChromium, type OldPage, oldChromiumTest, startOldChromium } from "../support/old-chromium.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";

// These browsers send Origin with a form's POST, but no Sec-Fetch-Site yet. With `Referrer-Policy:
// no-referrer` that Origin would be "null", and nobody could enter.

let database: { url: string; drop(): Promise<void> };
let port: string;
let site: SiteProcess;
let url: string;
let chromium: OldChromium | undefined;

const start = () => startSite(database.url, { PORT: port });

beforeAll(async () => {
  database = await createDatabase();
  port = String(await freePort());
  site = await start();
  ({ url } = site);
}, 30_000);

afterEach(() => chromium?.close());

afterAll(async () => {
  await endSites();
  await database.drop();
});

describe.each([64, 72] as const)("Chromium %d", (version) => {
  const room = `room-${version}`;
  let bob: TestPerson;
  const bobSays = (text: string) => say(url, bob, { text: text, room });

  beforeAll(async () => {
    bob = await person(url, `Bob${version}`);
    await request(url).post("/api/rooms").send({ slug: room }).expect(201);
  });

  oldChromiumTest(version)(
    "enters by the lobby's form, talks live, survives a restart of the server, leaves and enters again",
    async () => {
      chromium = await startOldChromium(version);
      const ann = (await chromium?.visitor()) as OldPage;
      await ann.open(`${url}/`);
      await ann.type("#enter [name=nickname]", `Ann${version}`);
      await ann.click(`#enter button[name=room][value=${room}]`);
      await is(ann, "live");
      expect(await programs(ann)).toEqual(["legacy", "main"]);
      await ann.has("document.querySelector('#connection[data-transport=stream]') !== null");

      const stream = await openStream(url, { room });
      await ann.type("#say [name=text]", "hello <b>\r");
      expect((await stream.events(1))[0]).toMatchObject({ text: "hello <b>", member: { nickname: `Ann${version}` } });
      await stream.close();
      await bobSays("hello yourself");
      await seesAll(ann, ["hello <b>", "hello yourself"]);

      await site.kill("SIGKILL");
      await is(ann, "offline");
      await ann.type("#say [name=text]", "kept while away\r");
      site = await start();
      await is(ann, "live");
      await bobSays("welcome back");
      await ann.type("#say [name=text]", "thank you\r");
      await seesAll(ann, ["hello <b>", "hello yourself", "kept while away", "welcome back", "thank you"], false);

      await ann.click("form.leave button");
      await ann.has("document.querySelector('#enter button[name=room]') !== null");
      // The page was left moments after its stream was back. That must not mark the network as
      // slow.
      await ann.open(`${url}/rooms/${room}`);
      await is(ann, "live");
      await ann.type("#enter [name=nickname]", "\r");
      await ann.has("document.querySelector('#say') !== null");
      await is(ann, "live");
      await ann.type("#say [name=text]", "here again\r");
      await seesAll(ann, ["here again"]);
      expect(ann.errors).toEqual([]);
    },
    90_000,
  );

  oldChromiumTest(version)(
    "enters, talks and leaves by forms alone, on a page that grows",
    async () => {
      chromium = await startOldChromium(version);
      const ned = (await chromium?.visitor({ hasScript: false })) as OldPage;
      await ned.open(`${url}/rooms/${room}`);
      await ned.type("#enter [name=nickname]", `Ned${version}\r`);
      await ned.has("document.querySelector('#say') !== null");
      await ned.type("#say [name=text]", "by the form");
      await ned.click("#say button");
      await seesAll(ned, ["by the form"]);
      await ned.openEndless(`${url}/rooms/${room}/live`);
      for (const text of ["growing one", "growing two"]) {
        await bobSays(text);
        await seesAll(ned, [text]);
      }
      await ned.type("#say [name=text]", "from the live page\r");
      await seesAll(ned, ["growing one", "growing two", "from the live page"]);
      await ned.open(`${url}/rooms/${room}`);
      await ned.click("form.leave button");
      await ned.has("location.pathname === '/'");
    },
    60_000,
  );
});

/** Waits for the connection line's state. */
const is = (page: OldPage, state: "live" | "offline") =>
  page.has(`document.querySelector('#connection[data-state=${state}]') !== null`);

/** The names of the programs that the page has loaded. */
const programs = (page: OldPage) =>
  page.read<string[]>(`performance.getEntriesByType("resource")
    .map(({ name }) => (/assets\\/(\\w+)-\\w+\\.js$/.exec(name) || [])[1]).filter(Boolean).sort()`);

/**
 * Waits until all messages are acknowledged and the log holds each event once, and checks the order
 * of these.
 */
async function seesAll(page: OldPage, texts: string[], isInOrder = true): Promise<void> {
  const shown = "[...document.querySelectorAll('#log [data-seq]:not(.pending) .text')].map((text) => text.textContent)";
  await page.has(`${JSON.stringify(texts)}.every((text) => ${shown}.includes(text))`);
  const found = (await page.read<string[]>(shown)).filter((text) => texts.includes(text));
  expect(isInOrder ? found : found.sort()).toEqual(isInOrder ? texts : [...texts].sort());
  // The receipt shows one's own message, and may overtake the event before it.
  await page.has(`[...document.querySelectorAll("#log [data-seq]")].map((line) => Number(line.dataset.seq))
    .every((seq, n, seqs) => seq === seqs[0] + n)`);
}
