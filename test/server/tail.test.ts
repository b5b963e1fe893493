import { describe, expect, test } from "@jest/globals";
import type { RoomEdit, RoomErase, RoomEvent } from "../../protocol/event.ts";
import { Tail } from "../../server/delivery/tail.ts";

function tailOf(count: number): Tail {
  const tail = new Tail({ id: 1, slug: "lobby", title: "Lobby" }, "k3x9", 0);
  const member = { id: "m1", nickname: "Ann", color: "#b3261e" };
  for (let seq = 1; seq <= count; seq += 1)
    tail.append([{ room: "lobby", seq, kind: "message", member, at: "2026-11-22T12:34:56Z", text: `<${seq}>` }]);
  tail.sent = tail.head;
  return tail;
}

test("readers at the same position get the same Buffer, in each format", () => {
  const tail = tailOf(3);
  const first = (["sse", "script", "json"] as const).map((format) => tail.frameAfter(1, format));
  const again = (["sse", "script", "json"] as const).map((format) => tail.frameAfter(1, format));
  expect(new Set([...first, ...again]).size).toBe(3);
  for (const [index, frame] of first.entries()) expect(again[index]).toBe(frame);
  expect(tail.frameAfter(2, "script")).not.toBe(first[1]);
});

test("a frame's scripts hold each event with its cursor, and nothing that ends a script", () => {
  const calls = tailOf(2).frameAfter(0, "script").toString().split("\n").slice(0, -1);
  expect(calls).toEqual([
    expect.stringMatching(
      /^<script>chattera\("message",\{"room":"lobby","seq":1,[^<>]*\},"k3x9\.[a-z]{3}1-1"\)<\/script>$/,
    ),
    expect.stringMatching(
      /^<script>chattera\("message",\{"room":"lobby","seq":2,[^<>]*\},"k3x9\.[a-z]{3}1-2"\)<\/script>$/,
    ),
  ]);
});

describe("a message of the tail that is changed", () => {
  const member = { id: "m1", nickname: "Ann", color: "#b3261e" };
  const base = { room: "lobby", member, at: "2026-11-22T12:35:56Z" };
  const edit = (seq: number, target: number, text: string): RoomEvent => ({ ...base, seq, kind: "edit", target, text });
  const erase = (seq: number, target: number): RoomErase => ({ ...base, seq, kind: "erase", target });
  const allOf = (tail: Tail) => tail.frameAfter(0, "json").toString();
  const grow = (tail: Tail, ...events: RoomEvent[]) => {
    tail.append(events);
    tail.sent = tail.head;
  };

  test("has its new text, in frames that were made before, too", () => {
    const tail = tailOf(3);
    expect(allOf(tail)).toContain("\\u003c2\\u003e");
    grow(tail, edit(4, 2, "two"));
    expect(JSON.parse(`[${allOf(tail)}]`)).toMatchObject([
      { seq: 1 },
      { seq: 2, text: "two", edited: true },
      { seq: 3 },
      { seq: 4, kind: "edit", text: "two" },
    ]);
    expect(tail.bytesAfter(0)).toBe(Buffer.byteLength(allOf(tail)) - 3);
  });

  test("has no text once it is erased, and its edits have none either", () => {
    const tail = tailOf(1);
    grow(tail, edit(2, 1, "better"), edit(3, 1, "best"), erase(4, 1));
    expect(allOf(tail)).not.toMatch(/text|edited/);
    expect(JSON.parse(`[${allOf(tail)}]`)[0]).toMatchObject({ seq: 1, kind: "message", erased: true });
  });

  test("is changed before the event was read in the log, and stays so when an older read brings it", () => {
    const tail = tailOf(1);
    tail.change(erase(3, 2));
    grow(tail, { ...base, seq: 2, kind: "message", text: "from before" });
    expect(allOf(tail)).not.toContain("from before");
    grow(tail, erase(3, 2));
    expect(JSON.parse(`[${allOf(tail)}]`)).toMatchObject([{ seq: 1 }, { seq: 2, erased: true }, { seq: 3 }]);
  });

  test("keeps the latest of two edits, whichever comes first", () => {
    const tail = tailOf(1);
    tail.change(edit(3, 1, "latest") as RoomEdit);
    grow(tail, edit(2, 1, "former"), edit(3, 1, "latest"));
    expect(JSON.parse(`[${allOf(tail)}]`)[0]).toMatchObject({ text: "latest" });
    expect(allOf(tail)).not.toContain("former");
  });
});
