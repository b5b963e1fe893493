import { expect, test } from "@jest/globals";
import { linkedSeq } from "../../client/message-link.ts";

const here = "https://chat.example/base/rooms/lobby/7";
const path = "/base/rooms/lobby";

test.each([
  ["https://chat.example/base/rooms/lobby/42", 42],
  ["https://chat.example/base/rooms/lobby/042", 0],
  ["https://chat.example/base/rooms/lobby/4.2e1", 0],
  ["https://chat.example/base/rooms/lobby/42?x", 0],
  ["https://chat.example/base/rooms/lobby", 0],
  ["https://chat.example/base/rooms/lobby2/42", 0],
  ["https://other.example/base/rooms/lobby/42", 0],
  ["https://chat.example.org/base/rooms/lobby/42", 0],
])("%s leads to the message %d", (href, seq) => {
  expect(linkedSeq(href, here, path)).toBe(seq);
});
