import { afterEach, describe, expect } from "@jest/globals";
import { connect, type RoomHandle } from "../../client/index.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite();
let ann: RoomHandle | undefined;

afterEach(() => ann?.close());

describe("a page", () => {
  browserTest("shows replies, edits, erases, renames and rolls as they happen, and after a reload", async () => {
    const ben = await browser.sit(site.url, "Ben");
    ann = connect(site.url, { room: "lobby", nickname: "Ann" });
    await ann.ready;
    const one = await ann.send("helo");
    await ann.send("an answer", { reply: one.seq });
    const gone = await ann.send("not for long");
    await ben.sees("not for long");
    await ben.page.waitForFunction(() => /not for long/.test(document.querySelector("#announcer")?.textContent ?? ""));
    await ann.edit(one.seq, "hello all");
    await ann.erase(gone.seq);
    await ann.rename("Anna");
    const named = await ann.send("under my new name");
    await ann.send("/roll 2d6");
    const line = (seq: number) => ben.page.locator(`#log [data-seq="${seq}"]`);
    const check = async () => {
      await ben.page.waitForFunction(() => document.querySelector("#log .line.notice .text")?.textContent);
      expect(await line(one.seq).textContent()).toContain("hello all");
      expect(await line(one.seq).getAttribute("class")).toContain("edited");
      expect(await line(named.seq).getAttribute("class")).not.toContain("follows");
      expect(await line(gone.seq).textContent()).toContain("This message was erased.");
      expect(await ben.page.locator("#log .quote").textContent()).toBe("Ann hello all");
      expect(await ben.page.locator("#log .line.rename .text").textContent()).toBe("is the new name of Ann");
      expect(await ben.page.evaluate(() => document.documentElement.innerHTML)).not.toMatch(/not for long|: helo</);
    };
    await check();
    await ben.page.reload();
    await check();
    expect(await ben.page.locator("#members").textContent()).toContain("Anna");
    await ben.page.context().close();
  });
});
