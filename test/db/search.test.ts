import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { searchMessages } from "../../db/log/search.ts";
import { connect } from "../../db/pool/connect.ts";
import { execute, rowsOf } from "../../db/pool/statement.ts";
import { createDatabase } from "../support/database.ts";
import { makeRoom } from "../support/enter.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let db: Knex;

beforeAll(async () => {
  database = await createDatabase();
  db = connect(database.url);
});

afterAll(async () => {
  await db.destroy();
  await database.drop();
});

async function roomOf(slug: string, texts: string[]): Promise<number> {
  await makeRoom(db, { slug, title: slug, public: true });
  const [room] = await rowsOf<{ id: number }>(db, "select id from rooms where slug = ?", [slug]);
  const roomId = (room as { id: number }).id;
  await execute(
    db,
    `insert into events (room_id, seq, kind, member_id, nickname, color, text, at)
     select ?, n, 'message', 'ann', 'Ann', '#b3261e', text, now() from unnest(?::text[]) with ordinality as t (text, n)`,
    [roomId, texts],
  );
  await execute(db, "update rooms set last_seq = ? where id = ?", [texts.length, roomId]);
  return roomId;
}

const NEWEST = Number.MAX_SAFE_INTEGER;

describe("a search", () => {
  const texts = [
    "東京都に住んでいます",
    "ｶﾗｵｹに行きたい",
    "Ｔｅａ or coffee?",
    "100% sure_thing \\o/",
    "1000 sure-thing",
    "がっこう",
    "か\u3099っこう",
    "École française",
  ];
  const cases: [words: string[], seqs: number[]][] = [
    [["京都"], [1]],
    [["東京"], [1]],
    [["カラオケ"], [2]],
    [["ｶﾗｵｹ"], [2]],
    [["ＴＥＡ"], [3]],
    [["coffee", "tea"], [3]],
    [["coffee", "karaoke"], []],
    [["100%"], [4]],
    [["sure_thing"], [4]],
    [["\\"], [4]],
    [["%"], [4]],
    [["ガッコウ"], []],
    [["がっこう"], [7, 6]],
    [["école"], [8]],
  ];

  let roomId: number;

  beforeAll(async () => {
    roomId = await roomOf("texts", texts);
  });

  test.each(cases)("for %j finds %j", async (words, seqs) => {
    const { events, rest } = await searchMessages(db, { roomId, words, before: NEWEST, limit: 10 });
    expect(events.map(({ seq }) => seq)).toEqual(seqs);
    expect(rest).toBeUndefined();
  });

  test("returns the newest first, and goes on where it ended", async () => {
    const many = await roomOf(
      "many",
      Array.from({ length: 1_200 }, (_, n) => (n % 100 === 0 ? `here ${n}` : "not")),
    );
    const found: number[] = [];
    let before = NEWEST;
    for (let pages = 1; ; pages += 1) {
      const { events, rest } = await searchMessages(db, { roomId: many, words: ["here"], before, limit: 5 });
      found.push(...events.map(({ seq }) => seq));
      if (rest === undefined) break;
      expect(pages).toBeLessThan(5);
      before = rest.before;
    }
    expect(found).toEqual(Array.from({ length: 12 }, (_, n) => 1_101 - 100 * n));
  });

  test("knows a message by the text that it has now", async () => {
    const changing = await roomOf("changing", ["before", "before", "after"]);
    await execute(db, "update events set text = 'after' where room_id = ? and seq = 1", [changing]);
    await execute(db, "update events set text = null where room_id = ? and seq = 2", [changing]);
    const seqs = async (word: string) => {
      const search = { roomId: changing, words: [word], before: NEWEST, limit: 10 };
      return (await searchMessages(db, search)).events.map(({ seq }) => seq);
    };
    expect(await seqs("before")).toEqual([]);
    expect(await seqs("after")).toEqual([3, 1]);
  });
});
