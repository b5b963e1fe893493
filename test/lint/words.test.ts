import { expect, test } from "@jest/globals";
import { checkStyle } from "../../lint/check-style.ts";

const LONG = "X".repeat(20).concat(" and so on".repeat(9));

test.each([
  ["a.ts", "// Reads anew.", 'write "again"'],
  ["a.ts", "/** Returns the frames beside the log. */", "next to"],
  ["a.ts", "const a = 1; // Told once.", "notifies"],
  ["a.ts", "// Nothing is sent, but\n// for heartbeats.", "except"],
  ["a.ts", "// Sees to it that the room is due.", "ensures"],
  ["a.ts", "/** Closes whoever does not read. */", "a reader that"],
  ["a.ts", "// The client keeps his cursor.", "for a person"],
  ["a.ts", "// One remark each.", "message"],
  ["a.ts", "// The socket ends. Who reads slowly is closed.", "name the subject"],
  ["a.ts", "/** What a frame's scripts call. */", "name the subject"],
  ["a.ts", "// the database is away", "capital letter"],
  ["a.ts", `  // ${LONG}`, "end it at 100"],
  ["a.css", 'a { content: "anew" } /* Shown beside the log. */', "next to"],
  ["a.sql", "-- Rooms that he holds.", "for a person"],
  ["A.java", "// Told once.", "notifies"],
  ["deploy/Caddyfile", "# Tells the client.", "notifies"],
  ["a.md", "A reader that\nis told it.", "notifies"],
  ["a.md", "| a | What arrives is stored |", "name the subject"],
  ["a.md", "- Who reads slowly is closed.", "name the subject"],
  ["test/a.test.ts", 'test("a reader is told once", () => {});', "notifies"],
  ["test/a.test.ts", "asOrdinaryUser(`makes files anew`, async () => {});", "again"],
])("in %s, `%s` is a finding", (file, source, instead) => {
  const findings = checkStyle(file, source);
  expect(findings).toHaveLength(1);
  expect(findings[0]?.instead).toContain(instead);
});

test.each([
  ["a.ts", 'const told = "told anew"; // Besides, the help helps.'],
  ["a.ts", "// `told` is a field of the wire."],
  ["a.ts", `// biome-ignore lint/style/useNaming: ${LONG}`],
  ["a.ts", "// [RFC] 200 is enough."],
  ["a.ts", "// What does a reader miss?"],
  ["a.ts", "// `a` begins with a name."],
  ["a.ts", "// One sentence\n// over two lines."],
  ["a.ts", `// https://example.org/${"x".repeat(100)}`],
  ["a.ts", `const a = "// told"; const b = /\\/\\/ told/; const c = \`// told\`;`],
  ["a.css", 'a::after { content: "/* told */" }'],
  ["a.sql", "select '-- told'"],
  ["a.md", "```\ntold\n```\n\n    told\n\nSee [this](told.md) and `told`."],
  ["a.md", "## What you get\n\nWho is it for?"],
  ["a.md", LONG],
  ["test/a.test.ts", 'test("a client gets one message", () => post("told anew"));'],
  ["server/a.ts", 'task("is told once", () => {});'],
])("in %s, `%s` is fine", (file, source) => {
  expect(checkStyle(file, source)).toEqual([]);
});

test("a finding names its line and its rule", () => {
  expect(checkStyle("a.ts", "/**\n * Reads.\n *\n * Reads\n * anew.\n */\nexport const a = 1;")).toEqual([
    { line: 5, found: '"anew"', rule: 6, instead: 'write "again"' },
  ]);
});
