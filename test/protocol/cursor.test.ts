import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Cursor, fartherCursor, formatCursor, formatCursorIn, parseCursor, sumOf } from "../../protocol/cursor.ts";
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
const cursor = fc.record({ epoch, seqs: seqs(999_999), sums: fc.constant(new Map<number, number>()) });
/** Short enough to keep their checksums: rooms below 1,000 and seqs below a million. */
const summed = fc
  .record({ epoch, seqs: seqs(999), sums: fc.array(fc.nat(26 ** 3 - 1), { minLength: 8, maxLength: 8 }) })
  .map((one) => ({
    epoch: one.epoch,
    seqs: new Map([...one.seqs].map(([room, seq]) => [room, seq % 1_000_000])),
    sums: new Map([...one.seqs.keys()].map((room, n) => [room, one.sums[n] as number])),
  }));

describe("a cursor", () => {
  test("survives the way to text and back", () => {
    fc.assert(fc.property(cursor, (one) => expect(parseCursor(formatCursor(one))).toEqual(one)));
  });

  test("keeps its checksums, if its rooms and seqs are not too long", () => {
    fc.assert(fc.property(summed, (one) => expect(parseCursor(formatCursor(one))).toEqual(one)));
  });

  test("ends with the seq, behind a checksum of three letters and the room", () => {
    expect(formatCursorIn("k3x9", { room: 1, seq: 42, sum: 26 ** 3 - 1 })).toBe("k3x9.zzz1-42");
    expect(formatCursorIn("k3x9", { room: 1, seq: 42, sum: 0 })).toBe("k3x9.aaa1-42");
    expect(formatCursorIn("k3x9", { room: 1, seq: 0, sum: undefined })).toBe("k3x9.1-0");
  });

  test("of eight long rooms leaves the checksums out instead of being too long", () => {
    const rooms = Array.from({ length: ROOMS_PER_READER }, (_, n) => 999_990 + n);
    const long = {
      epoch: "12345678",
      seqs: new Map(rooms.map((room) => [room, 9_999_999])),
      sums: new Map(rooms.map((room) => [room, 1])),
    };
    expect(formatCursor(long)).toHaveLength(128);
    expect(parseCursor(formatCursor(long))).toEqual({ ...long, sums: new Map() });
  });

  test("of eight rooms is at most 128 bytes, all allowed in a Last-Event-ID of any request", () => {
    fc.assert(fc.property(cursor, (one) => expect(formatCursor(one)).toMatch(/^[A-Za-z0-9._~-]{1,128}$/)));
  });

  test("has the same text for the same positions, regardless of their order", () => {
    const forth = {
      epoch: "abc",
      sums: new Map([[2, 5]]),
      seqs: new Map([
        [1, 5],
        [2, 7],
      ]),
    };
    const back = {
      epoch: "abc",
      sums: new Map([[2, 5]]),
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
    "abc.xy1-2",
    "abc.xyzz1-2",
    "abc.xyz-2",
    "abc.1xyz-2",
    "abc.XYZ1-2",
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
  const of = (places: [number, number][], of = "abc"): Cursor => ({
    epoch: of,
    seqs: new Map(places),
    sums: new Map(),
  });

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

test("the farther of two cursors keeps the checksum of the position that it takes", () => {
  const parse = (text: string) => parseCursor(text) as Cursor;
  const farther = (a: string, b: string) => formatCursor(fartherCursor(parse(a), parse(b)));
  expect(farther("abc.xyz1-5", "abc.def1-7")).toBe("abc.def1-7");
  expect(farther("abc.xyz1-7", "abc.def1-5")).toBe("abc.xyz1-7");
  expect(farther("abc.xyz1-5", "abc.1-7")).toBe("abc.1-7");
  expect(farther("abc.1-7", "abc.xyz1-7")).toBe("abc.xyz1-7");
  expect(farther("abc.xyz1-5", "abc.def2-7")).toBe("abc.xyz1-5.def2-7");
});

describe("the checksum of an event", () => {
  const event = { at: "2026-11-30T12:00:00.000Z", member: { id: "m1" }, text: "hello", id: "id-1" };

  test("does not change when its text is edited or erased", () => {
    const { text: _text, id: _id, ...erased } = event;
    expect(sumOf({ ...event, text: "hi" } as typeof event)).toBe(sumOf(event));
    expect(sumOf(erased)).toBe(sumOf(event));
  });

  test("differs if the time or the author differs, with few exceptions", () => {
    const sums = Array.from({ length: 1_000 }, (_, ms) => sumOf({ ...event, at: new Date(ms).toISOString() }));
    expect(new Set(sums).size).toBeGreaterThan(900);
    expect(sumOf({ ...event, member: { id: "m2" } })).not.toBe(sumOf(event));
    expect(sumOf({ at: event.at })).not.toBe(sumOf(event));
  });
});
