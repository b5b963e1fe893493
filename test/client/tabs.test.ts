import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createFakeSite, type FakeSite } from "./fake-site.ts";
import { type BrowserOfTabs, createBrowserOfTabs, type Tab } from "./tabs-of-a-browser.ts";
import { createWorld, type World } from "./world.ts";

type Desk = BrowserOfTabs & { world: World; site: FakeSite; pass(ms: number): Promise<void> };

function openBrowser(hasLocks: boolean, random?: () => number): Desk {
  const world = createWorld(random);
  const site = createFakeSite(world);
  const browser = createBrowserOfTabs(world, site, hasLocks);
  // Locks are granted and lost by promises, which run between two moments of the clock.
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      await new Promise(setImmediate);
      world.pass(Math.min(50, left));
    }
    await new Promise(setImmediate);
  };
  return { ...browser, world, site, pass };
}

const leaders = (desk: Desk) => desk.tabs().filter((tab) => tab.open() > 0);

/**
 * Expects that each tab has shown all messages since it was opened, once and in order, and that one
 * of them leads by one connection, or by two while that is renewed.
 */
function expectWell(desk: Desk): void {
  const head = desk.site.log.length;
  for (const tab of desk.tabs()) {
    expect(tab.seen).toEqual(Array.from({ length: head - tab.from }, (_, n) => tab.from + n + 1));
    const { state, transport, slow } = tab.states.at(-1) ?? {};
    // Several cuts in a row may have led down to polls.
    expect([tab.resets, `${state} ${transport} ${slow}`]).toEqual([
      [],
      expect.stringMatching(/^live (sse|stream) false$|^live poll true$/),
    ]);
  }
  const { streams, polls } = desk.site.open();
  // An old stream and its successor are both open for half a second.
  expect([leaders(desk).length, polls - desk.site.confirmations(), streams === 1 || streams === 2]).toEqual([
    1,
    0,
    true,
  ]);
}

for (const hasLocks of [true, false])
  describe(`tabs of a browser ${hasLocks ? "with" : "without"} locks`, () => {
    test("read by the connection of one of them from the first second on", async () => {
      const desk = openBrowser(hasLocks);
      for (let n = 0; n < 6; n++) desk.openTab();
      await desk.pass(3_000);
      expectWell(desk);
      for (let n = 0; n < 3; n++) desk.site.append();
      await desk.pass(10);
      expectWell(desk);
    });

    test("a tab that is opened later needs no request and no connection of its own", async () => {
      const desk = openBrowser(hasLocks);
      desk.openTab();
      await desk.pass(5_000);
      const before = desk.site.opened.length;
      desk.openTab();
      await desk.pass(20_000);
      const asked = desk.site.opened.slice(before).map(({ transport, reading }) => `${transport} ${reading.wait}`);
      expect(asked.filter((one) => one !== "poll 10" && one !== "here 0")).toEqual([]);
      expectWell(desk);
    });

    for (const [how, end] of [
      ["is closed", (tab: Tab) => tab.close()],
      ["crashes", (tab: Tab) => tab.crash()],
      ["is frozen", (tab: Tab) => tab.freeze()],
    ] as const)
      test(`when the leader ${how}, another tab leads within five seconds, and no message is lost`, async () => {
        const desk = openBrowser(hasLocks);
        for (let n = 0; n < 4; n++) desk.openTab();
        await desk.pass(10_000);
        const [leader] = leaders(desk);
        end(leader as Tab);
        desk.site.append();
        await desk.pass(5_000);
        desk.site.append();
        await desk.pass(1_000);
        (leader as Tab).thaw();
        await desk.pass(5_000);
        expectWell(desk);
      });

    test("a hidden leader whose connection is in trouble loses the lead to a visible tab", async () => {
      const desk = openBrowser(hasLocks);
      const first = desk.openTab();
      await desk.pass(2_000);
      const second = desk.openTab();
      await desk.pass(2_000);
      expect(leaders(desk)).toEqual([first]);
      first.isHidden = true;
      desk.site.vanish("refused");
      await desk.pass(5_000);
      desk.site.comeBack();
      desk.site.append();
      await desk.pass(10_000);
      expect(leaders(desk)).toEqual([second]);
      expectWell(desk);
    });

    test("without streams, the guests read by the leader's polls and show that the network is slow", async () => {
      const desk = openBrowser(hasLocks);
      Object.assign(desk.site.manners, { sse: "refused", stream: "refused" });
      const tabs = [desk.openTab(), desk.openTab(), desk.openTab()];
      await desk.pass(30_000);
      desk.site.append();
      await desk.pass(1_000);
      for (const tab of tabs) {
        expect(tab.seen).toEqual([1]);
        expect(tab.states.at(-1)).toMatchObject({ state: "live", transport: "poll", slow: true });
      }
      expect(desk.site.open()).toEqual({ streams: 0, polls: 1 });
    });

    test("each tab shows each message once, in order, whatever happens to the tabs", async () => {
      const step = fc.oneof(
        fc.record({ do: fc.constantFrom("append" as const, "open" as const, "cut" as const) }),
        fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 8_000 }) }),
        fc.record({
          do: fc.constantFrom("close" as const, "crash" as const, "freeze" as const, "thaw" as const, "look" as const),
          at: fc.nat(5),
        }),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 5, maxLength: 25 }),
          fc.infiniteStream(fc.double({ min: 0, max: 0.99, noNaN: true })),
          async (steps, chance) => {
            const desk = openBrowser(hasLocks, () => chance.next().value);
            desk.openTab();
            for (const one of steps) await take(desk, one);
            if (desk.tabs().length === 0) desk.openTab();
            for (const tab of desk.tabs()) {
              tab.thaw();
              tab.isHidden = false;
            }
            desk.site.append();
            await desk.pass(20_000);
            desk.site.append();
            await desk.pass(5_000);
            // Cuts in quick succession lead down to the polls, as does a leader that was frozen and
            // came back. The ladder is climbed again after five minutes.
            if (desk.site.open().polls > desk.site.confirmations()) await desk.pass(6 * 60_000);
            expectWell(desk);
          },
        ),
        { numRuns: 60 },
      );
    }, 120_000);
  });

type Step =
  | { do: "append" | "open" | "cut" }
  | { do: "pass"; ms: number }
  | { do: "close" | "crash" | "freeze" | "thaw" | "look"; at: number };

async function take(desk: Desk, step: Step): Promise<void> {
  if (step.do === "append") desk.site.append();
  if (step.do === "open" && desk.tabs().length < 6) desk.openTab();
  if (step.do === "cut") desk.site.cut();
  if (step.do === "pass") await desk.pass(step.ms);
  if (!("at" in step)) return;
  const tab = desk.tabs()[step.at];
  if (step.do === "look") for (const other of desk.tabs()) other.isHidden = other !== tab;
  else tab?.[step.do]();
}
