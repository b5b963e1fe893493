import { expect } from "@jest/globals";
import { openProxy } from "../networks/rig/proxy.ts";
import { person, say } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { createCutOff } from "../support/cut-off.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();

browserTest(
  "a browser's own EventSource that is cut before its first event misses nothing",
  async () => {
    const ann = await person(site.url, "Ann");
    await say(site.url, ann, "premise");
    const { misbehave, cut, pass } = createCutOff();
    const network = await openProxy(site.url, misbehave);
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${network.url}/doctor`);
    await page.evaluate(() => {
      const heard = document.createElement("p");
      heard.id = "heard";
      document.body.append(heard);
      const source = new EventSource("/api/events?room=lobby");
      source.addEventListener("hello", () => heard.append("hello "));
      source.onmessage = ({ data }) => heard.append(`${JSON.parse(data).text} `);
    });
    const heard = async () => (await page.textContent("#heard"))?.trim() ?? "";
    await until("it is greeted", async () => (await heard()) === "hello", 20_000);
    cut();
    await say(site.url, ann, "during");
    pass();
    await until("it has reconnected", async () => (await heard()).includes("during"), 30_000);
    await say(site.url, ann, "after");
    await until("it is live", async () => (await heard()).includes("after"), 20_000);
    expect((await heard()).replace(/(hello ?)+/g, "").trim()).toBe("during after");
    await page.context().close();
    await network.close();
  },
  60_000,
);
