import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { append, type Draft } from "../../db/log/append.ts";
import { changeMessage, type MessageChange, readChangedRooms } from "../../db/log/change.ts";
import type { Stored } from "../../db/log/event-row.ts";
import { findSent, readSince, readTalk } from "../../db/log/read.ts";
import { renameMember } from "../../db/log/rename.ts";
import { findRooms } from "../../db/log/rooms.ts";
import { connect } from "../../db/pool/connect.ts";
import { execute, rowsOf } from "../../db/pool/statement.ts";
import { createDatabase } from "../support/database.ts";
import { enterRoom, makeRoom } from "../support/enter.ts";
import { until } from "../support/until.ts";

const ann = { id: "ann", nickname: "Ann", color: "#b3261e" };
const bob = { id: "bob", nickname: "Bob", color: "#0b57d0" };

let database: Awaited<ReturnType<typeof createDatabase>>;
let db: Knex;
let other: Knex;
let roomId: number;
let count = 0;

beforeAll(async () => {
  database = await createDatabase();
  db = connect(database.url);
  other = connect(database.url);
  await makeRoom(db, { slug: "a", title: "a", public: true });
  roomId = ((await findRooms(db, ["a"]))[0] as { id: number }).id;
  for (const member of [ann, bob]) await enterRoom(db, roomId, { ...member, skeleton: member.id });
});

afterAll(async () => {
  await db.destroy();
  await other.destroy();
  await database.drop();
});

async function said(text: string, member = ann): Promise<number> {
  count += 1;
  const draft: Draft = { roomId, kind: "message", member, text, clientId: `client-${count}` };
  const [stored] = await append(db, [draft]);
  return (stored as Stored).event.seq;
}

const change = (target: number, more: Partial<MessageChange> = {}, minutes = 15) =>
  changeMessage(db, { roomId, target, memberId: "ann", kind: "erase", ...more }, { minutes });

const edit = (target: number, text: string, more: Partial<MessageChange> = {}) =>
  change(target, { kind: "edit", text, ...more });

const logOf = async () => (await readSince(db, new Map([[roomId, 0]]), 100_000)).map(({ event }) => event);

const rowsWith = (text: string) => rowsOf(db, "select seq from events where text like ?", [`%${text}%`]);

describe("an edit", () => {
  test("changes the message in place, and is the next event of the log", async () => {
    const seq = await said("first words");
    expect(await edit(seq, "better words")).toMatchObject({
      isNew: true,
      event: { kind: "edit", seq: seq + 1, target: seq, text: "better words", member: ann },
    });
    const log = await logOf();
    expect(log[seq - 1]).toMatchObject({ kind: "message", text: "better words", edited: true });
    expect(log.map((event) => event.seq)).toEqual(log.map((_, n) => n + 1));
    expect(await rowsWith("first words")).toEqual([]);
  });

  test("takes the text of an earlier edit", async () => {
    const seq = await said("one");
    await edit(seq, "second of three");
    await edit(seq, "three");
    const [message, former, latest] = (await logOf()).slice(-3);
    expect(message).toMatchObject({ text: "three", edited: true });
    expect(former).toEqual(expect.not.objectContaining({ text: expect.anything() }));
    expect(latest).toMatchObject({ kind: "edit", text: "three", target: seq });
  });

  test("that comes again is answered with its first event, by its id even after another edit", async () => {
    const seq = await said("draft");
    const first = (await edit(seq, "fair copy", { clientId: "edit-one" })) as Stored;
    expect(await edit(seq, "fair copy")).toEqual({ ...first, isNew: false });
    await edit(seq, "last copy", { clientId: "edit-two" });
    expect(await edit(seq, "fair copy", { clientId: "edit-one" })).toMatchObject({
      isNew: false,
      event: { seq: first.event.seq },
    });
    expect((await logOf())[seq - 1]).toMatchObject({ text: "last copy" });
  });
});

describe("an erased message", () => {
  test("has no text in the log, in its edits, in history, and in the answer to a resend", async () => {
    const seq = await said("secret one");
    await edit(seq, "secret two");
    expect(await change(seq)).toMatchObject({ isNew: true, event: { kind: "erase", target: seq } });
    expect(await rowsWith("secret")).toEqual([]);
    const { events } = await readTalk(db, { roomId, messages: 1 });
    expect(events[0]).toEqual(expect.objectContaining({ seq, kind: "message", erased: true, member: ann }));
    expect(Object.keys(events[0] as object)).not.toContain("text");
    expect(await findSent(db, "ann", `client-${count}`)).toMatchObject({ event: { seq, erased: true } });
  });

  test("is erased once, however often and from however many nodes that is asked", async () => {
    const seq = await said("gone");
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        changeMessage(n % 2 ? db : other, { roomId, target: seq, memberId: "ann", kind: "erase" }, { minutes: 15 }),
      ),
    );
    expect(new Set(all.map((one) => (one as Stored).event.seq)).size).toBe(1);
    expect(all.filter((one) => (one as Stored).isNew)).toHaveLength(1);
    expect(await edit(seq, "back again")).toBe("unknown");
  });
});

test("edits, erases and messages of several nodes get seqs without a gap", async () => {
  const seqs = await Promise.all(Array.from({ length: 8 }, (_, n) => said(`busy ${n}`)));
  await Promise.all([
    ...seqs.map((seq, n) =>
      changeMessage(
        n % 2 ? db : other,
        {
          roomId,
          target: seq,
          memberId: "ann",
          kind: n % 3 ? "edit" : "erase",
          ...(n % 3 ? { text: `new ${n}` } : {}),
        },
        { minutes: 15 },
      ),
    ),
    ...seqs.map((_, n) => said(`more ${n}`, bob)),
  ]);
  const log = await logOf();
  expect(log.map((event) => event.seq)).toEqual(log.map((_, n) => n + 1));
});

test("an id that is being stored in another room at the moment names the event there", async () => {
  await makeRoom(db, { slug: "elsewhere", title: "elsewhere", public: true });
  const elsewhere = ((await findRooms(db, ["elsewhere"]))[0] as { id: number }).id;
  await enterRoom(db, elsewhere, { ...ann, skeleton: ann.id });
  const seq = await said("untouched");
  const clientId = "the-same-id";
  const draft: Draft = { roomId: elsewhere, kind: "message", member: ann, text: "first", clientId };
  const { asked } = await other.transaction(async (tx) => {
    await append(tx, [draft]);
    const asked = edit(seq, "touched", { clientId });
    await until(
      "the edit waits for the other room",
      async () => (await rowsOf(db, "select 1 from pg_locks where not granted")).length > 0,
    );
    return { asked };
  });
  expect(await asked).toMatchObject({ isNew: false, roomId: elsewhere, event: { text: "first" } });
  expect((await logOf())[seq - 1]).toMatchObject({ text: "untouched" });
});

test.each([
  ["of somebody else", "foreign", async () => change(await said("bob's", bob))],
  ["that does not exist", "unknown", () => change(1_000_000)],
  ["that is no message", "unknown", () => change(1)],
  ["that was pruned", "unknown", pruned],
  ["that is older than the limit", "late", late],
  ["where nobody may change any", "late", async () => change(await said("fixed"), {}, 0)],
])("a message %s is not changed", async (_, outcome, ask) => {
  expect(await ask()).toBe(outcome);
});

async function late() {
  const seq = await said("old");
  await execute(db, "update events set at = at - interval '16 minutes' where seq = ?", [seq]);
  return change(seq);
}

async function pruned() {
  const seq = await said("pruned soon");
  await execute(db, "update rooms set pruned_seq = ? where id = ?", [seq, roomId]);
  try {
    return await change(seq);
  } finally {
    await execute(db, "update rooms set pruned_seq = 0 where id = ?", [roomId]);
  }
}

test("an erased message is still answered after the limit, since it is done", async () => {
  const seq = await said("in time");
  await change(seq);
  await execute(db, "update events set at = at - interval '1 hour' where seq = ?", [seq]);
  expect(await change(seq)).toMatchObject({ isNew: false });
});

test("rooms with changes of the last seconds are found", async () => {
  const seq = await said("changed now");
  const { event } = (await change(seq)) as Stored;
  expect(await readChangedRooms(db, 10)).toEqual([{ roomId, seq: event.seq }]);
  await execute(db, "update events set at = at - interval '1 hour' where kind in ('edit', 'erase')");
  expect(await readChangedRooms(db, 10)).toEqual([]);
});

describe("a rename", () => {
  const rename = (member: typeof ann, skeleton = member.nickname.toLowerCase()) =>
    renameMember(db, { roomId, entrant: { ...member, skeleton }, tag: "tag" });

  test("keeps the member's place, and is one event with both names", async () => {
    expect(await rename({ ...ann, nickname: "Anna" })).toEqual({
      outcome: "renamed",
      member: { ...ann, nickname: "Anna" },
    });
    const last = (await logOf()).at(-1);
    expect(last).toMatchObject({ kind: "rename", member: { ...ann, nickname: "Anna" }, former: ann });
    expect(await rename({ ...ann, nickname: "Anna" })).toMatchObject({ outcome: "same" });
    expect((await logOf()).at(-1)).toEqual(last);
    await rename(ann);
  });

  test("may change the color alone", async () => {
    expect(await rename({ ...ann, color: "#2f6b1e" })).toMatchObject({ outcome: "renamed" });
    expect((await logOf()).at(-1)).toMatchObject({
      kind: "rename",
      member: { color: "#2f6b1e" },
      former: { color: "#b3261e" },
    });
    await rename(ann);
  });

  test("to a name that somebody has, or that looks like it, is refused", async () => {
    expect(await rename({ ...ann, nickname: "Bob" })).toMatchObject({ outcome: "taken" });
  });

  test("of somebody who is not in the room does nothing", async () => {
    expect(await rename({ ...ann, id: "eve", nickname: "Eve" })).toMatchObject({ outcome: "absent" });
  });

  test("to a name that somebody gave up just now comes with a tag and another color", async () => {
    await rename({ ...bob, nickname: "Ben" });
    expect(await rename({ ...ann, nickname: "Bob", color: bob.color })).toMatchObject({
      outcome: "renamed",
      member: { tag: "tag", color: expect.not.stringContaining(bob.color) },
    });
    await rename(ann);
    await rename(bob);
  });
});
