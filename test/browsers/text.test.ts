import { afterAll, afterEach, beforeAll, describe, expect } from "@jest/globals";
import { COLORS } from "../../protocol/limits.ts";
import { openSite, person, say, type TestPerson, type TestSite } from "../support/app.ts";
import { openTerminal, programTest, type Terminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";

let site: TestSite;
let url: string;
let bob: TestPerson;
let terminal: Terminal | undefined;

beforeAll(async () => {
  site = await openSite();
  url = site.nodes[0]?.url as string;
  bob = await person(url, "Bob");
  await say(url, bob, "I was here before");
}, 30_000);

afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
}, 30_000);

afterAll(() => site.close());

const ENTER = "\r";
const DOWN = "\x1b[B";
/** From the field for the nickname, past the colors and the link for watching, to the button. */
const TO_BUTTON = DOWN.repeat(COLORS.length + 2);

describe("w3m", () => {
  programTest("w3m")(
    "enters, sends by the form, and refreshes the page from its cursor automatically",
    async () => {
      const w3m = open("w3m", "-cookie", "-o", "meta_refresh=1");
      await w3m.shows(/Nickname \[/);
      await w3m.find("Nickname", "\t", ENTER);
      await w3m.shows(/TEXT:/);
      w3m.press(`Walt${ENTER}`);
      await w3m.shows(/Nickname \[Walt/);
      await w3m.find("Lobby: Enter", ENTER);
      await w3m.shows(/Leave/);
      await w3m.find("Follow the conversation", ENTER);
      const first = numbers(await w3m.shows(/Refresh \(10 sec\) \S+after=/));
      // The first match is the line that says which messages are shown.
      await w3m.find("Message", "n", "\t", ENTER);
      await w3m.shows(/TEXT:/);
      w3m.press(`hello from w3m${ENTER}`);
      await w3m.shows(/Message \[hello from w3m/);
      w3m.press(`\t${ENTER}`);
      const own = await w3m.shows(/\d+\. Walt \S+ hello from w3m[\s\S]*/);
      expect(own).toMatch(/, 1 new/);
      await say(url, bob, "seen without a key pressed");
      const renewed = await w3m.shows(/Bob \S+ seen without a key pressed/, 20_000);
      expect(renewed).toMatch(/, 1 new/);
      expect(renewed.match(/hello from w3m/g)).toHaveLength(1);
      await w3m.showsWhole(first, numbers(own));
    },
    60_000,
  );
});

describe("Lynx", () => {
  programTest("lynx")(
    "enters, sends by the form, and reads on by a link",
    async () => {
      const lynx = open("lynx", "-accept_all_cookies");
      await lynx.shows(/Nickname _/);
      await lynx.find("Nickname", "Lyn");
      await lynx.shows(/Nickname Lyn_/);
      lynx.press(TO_BUTTON + ENTER);
      await lynx.shows(/Follow the conversation/, 20_000);
      await lynx.find("Follow the conversation", ENTER);
      const first = numbers(await lynx.shows(/REFRESH\(10 sec\):\s+\S+after=/, 20_000));
      // The first match is the line that says which messages are shown.
      await lynx.find("Message", "n", "hello from Lynx");
      await lynx.shows(/Message hello from Lynx_/);
      lynx.press(`\t${ENTER}`);
      const own = await lynx.shows(/\d+\. Lyn \S+ hello from Lynx/, 20_000);
      await say(url, bob, "fetched by a link");
      await lynx.find("Refresh now", ENTER);
      const renewed = await lynx.shows(/Bob \S+ fetched by a link/, 20_000);
      expect(renewed).toMatch(/, 1 new/);
      expect(renewed.match(/hello from Lynx/g)).toHaveLength(1);
      await lynx.showsWhole(first, numbers(own));
    },
    90_000,
  );
});

describe("Links", () => {
  programTest("links2")(
    "enters, sends by the form, and shows each message when it is sent",
    async () => {
      const links = open("links2");
      await links.shows(/Welcome to links/);
      links.press(ENTER);
      await links.shows(/Nickname _/);
      links.press(`${DOWN}Lin`);
      await links.shows(/Nickname Lin_/);
      links.press(TO_BUTTON);
      await links.shows(/Post form to/);
      links.press(ENTER);
      await links.shows(/Follow the conversation/);
      links.press(DOWN);
      await links.shows(/\/live$/);
      links.press(ENTER);
      await links.shows(/Message _[\s\S]*Lin \S+ entered/);
      for (const text of ["grown one", "grown two"]) {
        await say(url, bob, text);
        await links.shows(new RegExp(`Bob \\S+ ${text}`));
      }
      links.press(`${DOWN.repeat(4)}hello from Links`);
      await links.shows(/Message hello from Links_/);
      links.press(ENTER + ENTER);
      const own = await links.shows(/\d+\. Lin \S+ hello from Links/);
      await say(url, bob, "grown three");
      const grown = await links.shows(/Bob \S+ grown three/);
      expect(grown.match(/Lin \S+ hello from Links/g)).toHaveLength(1);
      await links.showsWhole(numbers(own));
    },
    60_000,
  );
});

/**
 * Opens the lobby in a browser. `find` searches for a text, which selects the field or link there,
 * and presses keys. `showsWhole` waits until no message is missing on this screen and earlier ones:
 * a screen is painted line by line, and may show half of the page before.
 */
function open(...command: string[]): Terminal & {
  find(text: string, ...keys: string[]): Promise<void>;
  showsWhole(...earlier: number[][]): Promise<void>;
} {
  const opened = openTerminal([...command, `${url}/`]);
  terminal = opened;
  const find = async (text: string, ...keys: string[]) => {
    opened.press("/");
    await opened.shows(/(Forward|query): *$/m);
    opened.press(text);
    await opened.shows(new RegExp(`(Forward|query): *${text}$`, "m"));
    opened.press(ENTER + keys.join(""));
  };
  const showsWhole = async (...earlier: number[][]) => {
    await until("no message is missing", () => isContiguous(...earlier, numbers(opened.screen())));
  };
  return { ...opened, find, showsWhole };
}

/** Returns the numbers of the messages on a screen. */
function numbers(screen: string): number[] {
  return [...screen.matchAll(/^ *(\d+)\. \S+ \d\d:\d\d /gm)].map((match) => Number(match[1]));
}

/** Returns whether no message is doubled on a screen and none is missing over all screens. */
function isContiguous(...screens: number[][]): boolean {
  const all = [...new Set(screens.flat())].sort((a, b) => a - b);
  return (
    screens.every((screen) => new Set(screen).size === screen.length) &&
    all.length > 1 &&
    all.every((seq, n) => n === 0 || seq === (all[n - 1] as number) + 1)
  );
}
