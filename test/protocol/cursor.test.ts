import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Cursor, fartherCursor, formatCursor, parseCursor } from "../../protocol/cursor.ts";
import { ROOMS_PER_READER } from "../../protocol/limits.ts";

const epoch = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const seqs = (max: number) =>
  fc
    .uniqueArray(fc.tuple(fc.integer({ min: 1, max }), fc.integer({ min: 0, max: 9_999_999 })), {
      selector: ([room]) => room,
      minLength: 1,
      maxLength: ROOMS_PER_READER,
    })
    .map((pairs) => new Map(pairs));
const cursor = fc.record({ epoch, seqs: seqs(999_999) });

describe("a cursor", () => {
  test("survives the way to text and back", () => {
    fc.assert(fc.property(cursor, (one) => expect(parseCursor(formatCursor(one))).toEqual(one)));
  });

  test("of eight rooms is at most 128 bytes, all allowed in a Last-Event-ID of any request", () => {
    fc.assert(fc.property(cursor, (one) => expect(formatCursor(one)).toMatch(/^[A-Za-z0-9._~-]{1,128}$/)));
  });

  test("has the same text for the same positions, regardless of their order", () => {
    const forth = {
      epoch: "abc",
      seqs: new Map([
        [1, 5],
        [2, 7],
      ]),
    };
    const back = {
      epoch: "abc",
      seqs: new Map([
        [2, 7],
        [1, 5],
      ]),
    };
    expect(formatCursor(forth)).toBe(formatCursor(back));
  });

  test.each([
    "",
    ".",
    "abc",
    "abc.",
    "abc.1",
    "abc.1-",
    "abc.-1",
    "abc.1-2.",
    "abc.1-2-3",
    "ABC.1-2",
    "abc.1-2\n",
    " abc.1-2",
    "abc.1-99999999999999999",
    "a".repeat(129),
    "あ.1-2",
  ])("is not %j", (text) => expect(parseCursor(text)).toBeUndefined());

  test("never throws on any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parseCursor(text)));
  });
});

describe("the farther of two cursors", () => {
  const of = (places: [number, number][], of = "abc"): Cursor => ({ epoch: of, seqs: new Map(places) });

  test("is the farther room by room, with the rooms of both", () => {
    expect(
      fartherCursor(
        of([
          [1, 5],
          [2, 9],
        ]),
        of([
          [1, 7],
          [3, 1],
        ]),
      ),
    ).toEqual(
      of([
        [1, 7],
        [2, 9],
        [3, 1],
      ]),
    );
  });

  test("is the first one if they belong to different logs", () => {
    expect(fartherCursor(of([[1, 5]]), of([[1, 9]], "xyz"))).toEqual(of([[1, 5]]));
  });
});
