import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { LinkifyIt } from "linkify-it";
import { linkedPieces } from "../../protocol/links.ts";
import { linkedText } from "../../server/pages/links.ts";
import { LINKS, OTHER_LINKS } from "../support/links.ts";

const linksOf = (text: string) => linkedPieces(text).filter(({ href }) => href !== "");
const shown = (text: string) => linksOf(text).map((link) => link.text);

test.each(LINKS)("%j has the links that a person would make", (text, ...addresses) => {
  expect(shown(text)).toEqual(addresses);
});

test.each(OTHER_LINKS)("%j shows %j and leads to %j", (text, ...link) => {
  expect(linksOf(text).map((one) => [one.text, one.href])).toEqual([link]);
});

test("there are enough texts to trust the table", () => {
  expect(LINKS.length).toBeGreaterThan(90);
});

describe("any text", () => {
  const part = fc.constantFrom(
    ..."aB1.@:/%[]-_?#;()'を語ア、é\u200b\u202e👍".split(""),
    "xn--",
    "0x7f",
    "010",
    "%61",
    "::1",
    "http://",
    "https://",
    "www.",
    "mailto:",
    ".example",
    " ",
  );
  const texts = fc.array(part, { maxLength: 14 }).map((parts) => parts.join(""));

  test("keeps all its characters, apart from the case of hosts", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const joined = linkedPieces(text).map((piece) => piece.text);
        expect(joined.join("").toLowerCase()).toBe(text.toLowerCase());
      }),
      { numRuns: 3_000 },
    );
  });

  test("has only links that lead to the host that they show", () => {
    const addresses = texts.map((text) => `http://${text}`);
    fc.assert(
      fc.property(addresses, (text) => {
        for (const { text: address, href } of linksOf(text)) {
          // IPv6 has several spellings of one address, and none looks like another host's name.
          if (!href.startsWith("http") || address.startsWith("http://[") || !URL.canParse(href)) continue;
          const { host, username } = new URL(href);
          const typed = /^(?:https?:\/\/)?([^/?#]*)/.exec(address)?.[1]?.replace(/:(\d*)$/, portOf);
          expect([host, username]).toEqual([new URL(`http://${typed}`).host, ""]);
          if (/^[!-~]*$/.test(address)) expect(host).toBe(typed);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

test("where addresses are plain ASCII, the library linkify-it finds the same links, except for known faults", () => {
  const linkify = new LinkifyIt();
  const plain = LINKS.map(([text]) => text).filter((text) => /^[ -~]*$/.test(text) && !FAULTS.test(text));
  expect(plain.length).toBeGreaterThan(20);
  for (const text of plain) {
    const found = linkify.match(text)?.map(({ raw }) => raw) ?? [];
    expect([text, ...shown(text)]).toEqual([text, ...found]);
  }
});

/**
 * Texts that linkify-it 6 reads differently. It links parts of addresses that no browser would
 * open, schemes that nobody may want to open, and quotes and asterisks around an address.
 */
const FAULTS =
  /evil|','|"|\*\*|`|\||\(\[|_\(bar$|my_host|:443x|\.\.example|%61|ftp:|\/\/a\.example$|www|@ann|git@|mailto:x/;

test.each([
  "http://",
  "http://!",
  "https://a.",
  "http:/",
  "http://a",
  "1.",
  "(",
  "http://a/(",
  "@",
  "a@",
  "www.",
  "a@b.",
  "mailto:",
  "https://a.example/ほ",
])("searching a text of 40,000 characters takes less than two seconds of CPU: %s", (piece) => {
  const many = piece.repeat(40_000 / piece.length);
  const took = [many, `http://${many}`, `http://a.example/${many}`, `http://a.example/x_(${many}`].map((text) => {
    const before = process.cpuUsage();
    linkedPieces(text);
    return process.cpuUsage(before).user / 1000;
  });
  expect(Math.max(...took)).toBeLessThan(2_000);
});

test("the server writes a link for each, and escapes all else", () => {
  const texts = [...LINKS.map(([text]) => text), ...OTHER_LINKS.map(([text]) => text)];
  for (const text of texts) {
    const page = linkedText(text).join("");
    expect([
      ...page.matchAll(/<a href="([^"]*)" rel="nofollow noopener noreferrer ugc" target="_blank">/g),
    ]).toHaveLength(linksOf(text).length);
    expect(page.replace(/<a href="[^"<>]*" rel="[a-z ]*" target="_blank">|<\/a>/g, "")).not.toMatch(/[<>]/);
  }
});

/**
 * A port as a URL writes it: without zeros before it, and not at all where it is the scheme's own.
 */
function portOf(_: string, digits: string): string {
  return digits === "" || Number(digits) === 80 ? "" : `:${Number(digits)}`;
}
