import { expect, test } from "@jest/globals";
import type { Member, RoomEvent } from "../../protocol/event.ts";
import { createLines } from "../../server/process/join-lines.ts";

const ann: Member = { id: "a", nickname: "Ann", color: "#ff0000", trip: "◆abc" };
const message = (text: string, at = "2026-11-30T12:00:00.000Z"): RoomEvent => ({
  room: "lobby",
  seq: 1,
  kind: "message",
  member: ann,
  at,
  text,
});

test("a control character of a message, or of a name, never reaches the terminal", () => {
  const lines = createLines(1);
  const [, line] = lines.of(message("red \x1b[31m\x07\rover\u009b2J\nnext"));
  expect(line).toMatch(/ Ann◆abc: red \[31mover2J\n {6}next$/);
  const entered: RoomEvent = { ...message(""), kind: "enter", member: { ...ann, nickname: "A\x1b]0;x\x07" } };
  expect(lines.of(entered)[0]).toMatch(/ A\]0;x entered$/);
});

test("a line names the day where it is another one", () => {
  const lines = createLines(1);
  expect(lines.of(message("one"))).toHaveLength(2);
  expect(lines.of(message("two"))).toHaveLength(1);
  const [day] = lines.of(message("three", "2026-12-02T12:00:00.000Z"));
  expect(day).toMatch(/^---- .*2026.* ----$/);
});

test.each([
  [1, "Ann◆abc: hi"],
  [4, "\x1b[1mAnn◆abc:\x1b[0m hi"],
  [8, "\x1b[38;5;196;1mAnn◆abc:\x1b[0m hi"],
  [24, "\x1b[38;2;255;0;0;1mAnn◆abc:\x1b[0m hi"],
])("a terminal with colors of %i bits gets names in colors that it has", (bits, shown) => {
  expect(createLines(bits).of(message("hi"))[1]?.endsWith(` ${shown}`)).toBe(true);
});

test("an erased message, an edit, a removal and a whisper say what they are", () => {
  const lines = createLines(1);
  const line = (event: RoomEvent) =>
    lines
      .of(event)
      .at(-1)
      ?.replace(/^.*? (?=\(|Ann|a )/, "");
  const base = message("");
  expect(line({ ...base, kind: "message", erased: true })).toBe("(erased)");
  expect(line({ ...base, kind: "edit", target: 1, text: "new" })).toBe("Ann edited: new");
  expect(line({ ...base, kind: "erase", target: 1 })).toBe("a message of Ann was erased");
  expect(line({ ...base, kind: "leave", by: "moderator" })).toBe("Ann was removed");
  const to = { id: "b", nickname: "Bob", color: "#00ff00" };
  expect(line({ ...base, kind: "whisper", to, text: "psst" })).toBe("Ann◆abc: (whisper to Bob) psst");
});
