import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { openProxy } from "../networks/rig/proxy.ts";
import { person, say } from "../support/app.ts";
import { type BadProxy, openBadProxy } from "../support/bad-proxy.ts";
import { browserTest, type PageUser, useBrowser } from "../support/browser.ts";
import { createCutOff } from "../support/cut-off.ts";
import { createDatabase } from "../support/database.ts";
import { hasNginx, startNginx } from "../support/nginx.ts";
import { startSite } from "../support/site-process.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

/** Waits for all texts, and checks that the page shows every event once, in order. */
async function seesAll(seat: PageUser, texts: string[]): Promise<void> {
  for (const text of texts) await seat.sees(text);
  const log = await seat.wholeLog();
  expect(log.texts.filter((text) => texts.includes(text))).toEqual(texts);
}

const leave = (seat: PageUser) => seat.page.context().close();

describe("when the network", () => {
  let proxy: BadProxy;
  beforeAll(async () => {
    proxy = await openBadProxy(site.url);
  });
  afterAll(() => proxy.close());

  browserTest(
    "was down for so long that a message is sent by GET, the leave button still works",
    async () => {
      const { misbehave, cut, pass, broken } = createCutOff();
      const network = await openProxy(site.url, misbehave);
      const ann = await browser.sit(network.url, "Leaver");
      const isIn = async () => {
        const { members } = (await (await fetch(`${site.url}/api/rooms/lobby`)).json()) as {
          members: { nickname: string }[];
        };
        return members.some(({ nickname }) => nickname === "Leaver");
      };
      await ann.is("live");
      cut();
      await ann.say("from the tunnel");
      await until("it is sent by GET", () => broken().some((path) => path.startsWith("/api/session;")), 20_000);
      pass();
      await ann.sees("from the tunnel");
      expect(await isIn()).toBe(true);
      await ann.page.click("form.leave button");
      await until("the member has left", async () => !(await isIn()), 5_000);
      await leave(ann);
      await network.close();
    },
    30_000,
  );

  browserTest(
    "is down for a while, the page says so, keeps what is written, and then shows everything once",
    async () => {
      const ann = await browser.sit(proxy.through(site.url).replace(/\/$/, ""), "Tunnel");
      const bob = await person(site.url, "Bob");
      await ann.is("live");
      await ann.say("before");
      await seesAll(ann, ["before"]);
      await proxy.refuse();
      await ann.is("offline");
      await ann.say("kept one");
      await ann.say("kept two");
      await say(site.url, bob, "while away");
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
      const ann = await browser.sit(proxy.through(site.url).replace(/\/$/, ""), "Cutter");
      const bob = await person(site.url, "Bobby");
      await ann.is("live");
      const texts: string[] = [];
      for (let n = 0; n < 6; n += 1) {
        texts.push(`cut ${n}`);
        await say(site.url, bob, `cut ${n}`);
        if (n % 2) proxy.cut();
      }
      await seesAll(ann, texts);
      await leave(ann);
    },
    40_000,
  );

  browserTest(
    "swallows the answer to a message, it is sent again and appears once",
    async () => {
      const ann = await browser.sit(proxy.through(site.url).replace(/\/$/, ""), "Swallowed");
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
    "that passes streams on, the page is live over a stream",
    async () => {
      const nginx = await startNginx(site.url, "");
      const ann = await browser.sit(nginx.url, "Passed");
      await ann.is("live");
      // The page polls until the stream has proved itself.
      await ann.page.waitForSelector('#connection[data-state="live"][data-transport="sse"]');
      await ann.say("through nginx");
      await seesAll(ann, ["through nginx"]);
      await leave(ann);
      await nginx.close();
    },
    40_000,
  );

  nginxTest(
    "that holds streams back, the page polls, says so, and messages still arrive at once",
    async () => {
      const nginx = await startNginx(
        site.url,
        "proxy_ignore_headers X-Accel-Buffering; proxy_buffering on; proxy_buffers 8 64k;",
      );
      const ann = await browser.sit(nginx.url, "Held");
      const bob = await person(site.url, "Bobbie");
      await ann.is("slow");
      expect(await ann.page.getAttribute("#connection", "data-transport")).toBe("poll");
      const texts = ["held one", "held two", "held three"];
      for (const text of texts) {
        const said = performance.now();
        await say(site.url, bob, text);
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
    "is killed and restarted, pages continue without a reload and nothing is lost",
    async () => {
      const database = await createDatabase();
      const first = await startSite(database.url);
      const port = new URL(first.url).port;
      const ann = await browser.sit(first.url, "Ann");
      const ken = await browser.sit(first.url, "健太", { locale: "ja-JP" });
      await Promise.all([ann.is("live"), ken.is("live")]);
      await ann.say("before the crash");
      await seesAll(ken, ["before the crash"]);
      await first.kill("SIGKILL");
      await ann.is("offline");
      await ann.say("written meanwhile");
      const second = await startSite(database.url, { PORT: port });
      const texts = ["before the crash", "written meanwhile"];
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
