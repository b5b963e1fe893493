import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { openSite, person, say, type TestSite } from "../support/app.ts";
import { type BadProxy, openBadProxy } from "../support/bad-proxy.ts";
import { browserTest, openBrowser, type Seat, sit } from "../support/browser.ts";
import { createDatabase } from "../support/database.ts";
import { hasNginx, startNginx } from "../support/nginx.ts";
import { startSite } from "../support/site-process.ts";
import { until } from "../support/until.ts";

let site: TestSite;
let url: string;
let browser: Browser;

beforeAll(async () => {
  site = await openSite();
  url = site.nodes[0]?.url as string;
  browser = (await openBrowser()) as Browser;
}, 30_000);

afterAll(async () => {
  await browser?.close();
  await site.close();
});

/** What somebody sees must be every event once, in order. */
async function seesAll(seat: Seat, texts: string[]): Promise<void> {
  for (const text of texts) await seat.sees(text);
  const log = await seat.log();
  expect(log.seqs).toEqual(log.seqs.map((_, n) => (log.seqs[0] as number) + n));
  expect(log.texts.filter((text) => texts.includes(text))).toEqual(texts);
}

const leave = (seat: Seat) => seat.page.context().close();

describe("when the network", () => {
  let proxy: BadProxy;
  beforeAll(async () => {
    proxy = await openBadProxy(url);
  });
  afterAll(() => proxy.close());

  browserTest(
    "was gone for so long that a message goes by GET, who leaves by the button has left",
    async () => {
      const ann = await sit(browser, proxy.through(url).replace(/\/$/, ""), "Leaver");
      const isIn = async () => {
        const { members } = (await (await fetch(`${url}/api/rooms/lobby`)).json()) as {
          members: { nickname: string }[];
        };
        return members.some(({ nickname }) => nickname === "Leaver");
      };
      await ann.is("live");
      const byGet = ann.page.waitForEvent("requestfailed", (request) => /\/api\/session;/.test(request.url()));
      await proxy.refuse();
      await ann.say("from the tunnel");
      await byGet;
      await proxy.pass();
      await ann.sees("from the tunnel");
      expect(await isIn()).toBe(true);
      await ann.page.click("form.leave button");
      await until("she is out", async () => !(await isIn()), 5_000);
      await leave(ann);
    },
    30_000,
  );

  browserTest(
    "is gone for a while, the page says so, keeps what is written, and has everything once when it is back",
    async () => {
      const ann = await sit(browser, proxy.through(url).replace(/\/$/, ""), "Tunnel");
      const bob = await person(url, "Bob");
      await ann.is("live");
      await ann.say("before");
      await seesAll(ann, ["before"]);
      await proxy.refuse();
      await ann.is("offline");
      await ann.say("kept one");
      await ann.say("kept two");
      await say(url, bob, "while away");
      await ann.page.waitForSelector('#log .pending:has-text("kept two")');
      await proxy.pass();
      await seesAll(ann, ["before", "while away", "kept one", "kept two"]);
      await ann.is("live");
      await leave(ann);
    },
    40_000,
  );

  browserTest(
    "cuts every connection again and again, nothing is lost, doubled or out of order",
    async () => {
      const ann = await sit(browser, proxy.through(url).replace(/\/$/, ""), "Cutter");
      const bob = await person(url, "Bobby");
      await ann.is("live");
      const texts: string[] = [];
      for (let n = 0; n < 6; n += 1) {
        texts.push(`cut ${n}`);
        await say(url, bob, `cut ${n}`);
        if (n % 2) proxy.cut();
      }
      await seesAll(ann, texts);
      await leave(ann);
    },
    40_000,
  );

  browserTest(
    "swallows the answer to a message, it is sent again and stands there once",
    async () => {
      const ann = await sit(browser, proxy.through(url).replace(/\/$/, ""), "Swallowed");
      await ann.is("live");
      proxy.cutBeforeAnswer();
      await ann.say("said once");
      await ann.page.waitForSelector("#log .pending");
      await proxy.pass();
      await seesAll(ann, ["said once"]);
      await leave(ann);
    },
    40_000,
  );
});

const nginxTest = hasNginx ? browserTest : test.skip;

describe("behind an nginx", () => {
  nginxTest(
    "that passes streams on as told, the page is live over a stream",
    async () => {
      const nginx = await startNginx(url, "");
      const ann = await sit(browser, nginx.url, "Passed");
      await ann.is("live");
      // a poll serves until the stream has proved itself
      await ann.page.waitForSelector('#connection[data-state="live"][data-transport="sse"]');
      await ann.say("through nginx");
      await seesAll(ann, ["through nginx"]);
      await leave(ann);
      await nginx.close();
    },
    40_000,
  );

  nginxTest(
    "that holds streams back, the page falls to polling, says so, and messages still come at once",
    async () => {
      const nginx = await startNginx(
        url,
        "proxy_ignore_headers X-Accel-Buffering; proxy_buffering on; proxy_buffers 8 64k;",
      );
      const ann = await sit(browser, nginx.url, "Held");
      const bob = await person(url, "Bobbie");
      await ann.is("slow");
      expect(await ann.page.getAttribute("#connection", "data-transport")).toBe("poll");
      const texts = ["held one", "held two", "held three"];
      for (const text of texts) {
        const said = performance.now();
        await say(url, bob, text);
        await ann.sees(text);
        expect(performance.now() - said).toBeLessThan(3_000);
      }
      await ann.say("mine");
      await seesAll(ann, [...texts, "mine"]);
      await leave(ann);
      await nginx.close();
    },
    40_000,
  );
});

describe("when the server", () => {
  browserTest(
    "is killed and started again, everybody goes on without a reload and nothing is lost",
    async () => {
      const database = await createDatabase();
      const first = await startSite(database.url);
      const port = new URL(first.url).port;
      const ann = await sit(browser, first.url, "Ann");
      const ken = await sit(browser, first.url, "健太", { locale: "ja-JP" });
      await Promise.all([ann.is("live"), ken.is("live")]);
      await ann.say("before the fall");
      await seesAll(ken, ["before the fall"]);
      await first.kill("SIGKILL");
      await ann.is("offline");
      await ann.say("written meanwhile");
      const second = await startSite(database.url, { PORT: port });
      const texts = ["before the fall", "written meanwhile"];
      await seesAll(ken, texts);
      await seesAll(ann, texts);
      await ken.say("後で");
      await seesAll(ann, [...texts, "後で"]);
      for (const seat of [ann, ken]) await leave(seat);
      expect(await second.kill("SIGTERM")).toBe(0);
      await database.drop();
    },
    60_000,
  );
});
