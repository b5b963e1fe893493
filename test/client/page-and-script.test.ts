import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { ADDRESS, linkText } from "../../protocol/line.ts";
import { ja } from "../../server/pages/words/ja.ts";

function source(file: string): string {
  return readFileSync(new URL(`../../client/${file}`, import.meta.url), "utf8");
}

test("the page has exactly the words that the script reads", () => {
  const declared = /export type ScriptWords = \{([\s\S]*?)\n\};/.exec(source("words.ts"))?.[1] ?? "";
  const words = [...declared.matchAll(/^ {2}(\w+):/gm)].map((match) => match[1]);
  expect(words.sort()).toEqual([...Object.keys(ja.script), "refusals"].sort());
});

test("a link ends before characters that are not part of the address", () => {
  const addresses = (text: string) => text.split(ADDRESS).filter((_, index) => index % 2 === 1);
  expect(addresses("https://a.example/x?y=1#z、次")).toEqual(["https://a.example/x?y=1#z"]);
  expect(addresses("(see http://a.example/b.) and ftp://c.example")).toEqual(["http://a.example/b"]);
  expect(addresses("javascript:alert(1) https:// http://")).toEqual([]);
  expect(addresses('http://a.example/"onmouseover="x')).toEqual(["http://a.example/"]);
});

const PLAIN = [
  "http://a.example",
  "https://a.example:8080/x?y=1@2#z@3",
  "https://xn--pple-43d.com/",
  "http://localhost:3000",
  "http://my_host/",
  "http://192.168.1.10:3000/",
  "http://[2001:db8::1]/",
];

test.each(PLAIN)("%s is a link, and shows the host that a browser opens", (address) => {
  expect(linkText(address)).toBe(address);
  expect(new URL(address).host).toBe(/^https?:\/\/([^/]*)/.exec(address)?.[1]);
});

test("capital letters in a host are shown in lower case", () => {
  expect(linkText("https://WWW.paypaI.example/PATH")).toBe("https://www.paypai.example/PATH");
});

test.each([
  "http://user@evil.example",
  "https://bank.example:443@evil.example/",
  "https://bank.example;x@evil.example",
  "https://bank.example&x=y@evil.example",
  "http://b%61nk.example/",
  "http://2130706433/",
  "http://0x7f.1/",
  "http://0177.0.0.1/",
  "http://127.1/",
  "http://1.2.3.0x4/",
  "http:///evil.example",
  "https:////evil.example/",
  "http://?x",
  "http://a..example/",
])("%s is not a link, because a browser reads its host differently", (address) => {
  expect(linkText(address)).toBe("");
});

test("any link leads to the host that it shows", () => {
  const part = fc.constantFrom(
    "a",
    "B",
    "xn--",
    "0x7f",
    "1",
    "010",
    ".",
    "@",
    ":",
    "/",
    "%61",
    "[",
    "]",
    "::1",
    "-",
    "_",
    "?",
    "#",
    ";",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const address = `http://${parts.join("")}`;
      const shown = linkText(address);
      // IPv6 has several spellings of one address, and none looks like another host's name.
      if (shown === "" || shown.startsWith("http://[") || !URL.canParse(address)) return;
      const { host, username } = new URL(address);
      const typed = /^http:\/\/([^/?#]*)/.exec(shown)?.[1]?.replace(/:(\d*)$/, portOf);
      expect([host, username]).toEqual([typed, ""]);
    }),
    { numRuns: 5_000 },
  );
});

test("searching a very long text for addresses takes less than 500 ms", () => {
  const started = Date.now();
  for (const piece of ["http://", "http://!", "https://a.", "http:/", "http://a", "1."]) {
    piece.repeat(2000).split(ADDRESS);
    linkText(piece.repeat(2000));
    linkText(`http://${piece.repeat(2000)}`);
  }
  expect(Date.now() - started).toBeLessThan(500);
});

/**
 * A port as a URL writes it: without zeros before it, and not at all where it is the scheme's own.
 */
function portOf(_: string, digits: string): string {
  return digits === "" || Number(digits) === 80 ? "" : `:${Number(digits)}`;
}
