import { expect, test } from "@jest/globals";
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
