import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { createRoom, fillSkeletons, findRooms, listRooms } from "../../db/log/rooms.ts";
import { connect } from "../../db/pool/connect.ts";
import { rowsOf } from "../../db/pool/statement.ts";
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

test("rooms with members are listed first, then those with the latest event, 200 in all", async () => {
  await makeRoom(db, { slug: "quiet", title: "Quiet", public: true });
  await makeRoom(db, { slug: "hidden", title: "Hidden", public: false });
  for (const slug of ["quiet", "hidden"]) {
    const [room] = await findRooms(db, [slug]);
    await enterRoom(db, room?.id as number, { id: slug, nickname: slug, color: "#b3261e", skeleton: slug });
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

test("rooms without a skeleton get one at the start, and cannot be imitated from then on", async () => {
  await db("rooms").insert({ slug: "older", title: "Older" });
  await fillSkeletons(db, (name) => `like ${name.toLowerCase()}`);
  const make = (skeleton: string) =>
    createRoom(
      db,
      { slug: "olb-er", title: "New", public: true, skeleton, titleSkeleton: "like new" },
      { total: 1_000, perCreator: 1_000, perWideCreator: 1_000 },
    );
  expect([await make("like older"), await make("like olb-er")]).toEqual(["taken", "made"]);
});

test("the limits of rooms per network and day and per site hold, also for parallel requests", async () => {
  const [count] = await rowsOf<{ total: number }>(db, "select count(*)::int as total from rooms");
  const limits = { total: (count?.total ?? 0) + 4, perCreator: 3, perWideCreator: 30 };
  const make = (n: number, creator: string) =>
    createRoom(db, { slug: `${creator}-${n}`, title: "", public: false, creator, ...skeletonsOf(creator, n) }, limits);
  const outcomes = await Promise.all(Array.from({ length: 8 }, (_, n) => make(n, "one")));
  expect(outcomes.toSorted()).toEqual([...Array(3).fill("made"), ...Array(5).fill("many")].toSorted());
  expect([await make(0, "two"), await make(1, "two"), await make(0, "one")]).toEqual(["made", "full", "taken"]);
  await db("rooms")
    .where({ creator: "one" })
    .update({ created_at: db.raw("now() - interval '25 hours'") });
  limits.total += 1;
  expect(await make(9, "one")).toBe("made");
});

test("the networks of one /48 have a common limit of rooms per day", async () => {
  const limits = { total: 1_000, perCreator: 2, perWideCreator: 3 };
  const make = (n: number, creator: string, wideCreator: string) => {
    const slug = `${wideCreator}-${creator}-${n}`;
    const looks = { skeleton: slug, titleSkeleton: "" };
    return createRoom(db, { slug, title: "", public: false, creator, wideCreator, ...looks }, limits);
  };
  const outcomes = [];
  for (const creator of ["64-a", "64-b", "64-c"]) for (const n of [1, 2]) outcomes.push(await make(n, creator, "48"));
  expect(outcomes).toEqual(["made", "made", "made", "many_around", "many_around", "many_around"]);
  expect(await make(3, "64-a", "48")).toBe("many");
  expect(await make(1, "elsewhere", "another 48")).toBe("made");
  await db("rooms")
    .where({ wide_creator: "48" })
    .update({ created_at: db.raw("now() - interval '25 hours'") });
  expect(await make(9, "64-c", "48")).toBe("made");
});

const skeletonsOf = (creator: string, n: number) => ({ skeleton: `${creator} ${n}`, titleSkeleton: "" });
