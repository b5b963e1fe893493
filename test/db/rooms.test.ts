import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { connect } from "../../db/connect.ts";
import { findRooms, listRooms } from "../../db/rooms.ts";
import { createDatabase } from "../support/database.ts";
import { enterRoom, makeRoom } from "../support/enter.ts";

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

test("of many rooms those are listed where somebody is, then those in which something was said last", async () => {
  await makeRoom(db, { slug: "quiet", title: "Quiet", public: true });
  await makeRoom(db, { slug: "hidden", title: "Hidden", public: false });
  for (const slug of ["quiet", "hidden"]) {
    const [room] = await findRooms(db, [slug]);
    await enterRoom(db, room?.id as number, { id: slug, nickname: slug, color: "#b3261e", look: slug });
  }
  await db.raw(`insert into rooms (slug, title, public, last_at)
    select 'room-' || n, 'Room', true, now() + n * interval '1 minute' from generate_series(1, 300) n`);
  const listed = await listRooms(db, 30);
  expect(listed).toHaveLength(200);
  expect(listed.slice(0, 3).map(({ slug, members }) => [slug, members])).toEqual([
    ["quiet", 1],
    ["room-300", 0],
    ["room-299", 0],
  ]);
  expect(listed.some(({ slug }) => slug === "hidden")).toBe(false);
});
