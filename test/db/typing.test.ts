import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { append } from "../../db/log/append.ts";
import { noteTyping } from "../../db/log/members.ts";
import { readPresence } from "../../db/log/presence.ts";
import { findRooms } from "../../db/log/rooms.ts";
import { connect } from "../../db/pool/connect.ts";
import { createDatabase } from "../support/database.ts";
import { enterRoom } from "../support/enter.ts";

const ANN = { id: "ann", nickname: "Ann", color: "#b3261e" };
const BEN = { id: "ben", nickname: "Ben", color: "#b3261e" };

let database: Awaited<ReturnType<typeof createDatabase>>;
let db: Knex;
let roomId: number;

beforeAll(async () => {
  database = await createDatabase();
  db = connect(database.url);
  roomId = ((await findRooms(db, ["lobby"]))[0] as { id: number }).id;
  for (const member of [ANN, BEN]) await enterRoom(db, roomId, { ...member, skeleton: member.id });
});

afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const typing = async () => (await readPresence(db, [roomId]))[0]?.typing;
const types = (memberId: string) => noteTyping(db, { roomId, memberId });
const says = (member: typeof ANN, text: string) =>
  append(db, [{ roomId, kind: "message", member, text, clientId: `${member.id}-${text}` }]);

test("a member who types is typing until its message is stored, and again when it types on", async () => {
  await types("ann");
  await types("ben");
  expect(await typing()).toEqual(["Ann", "Ben"]);
  await says(ANN, "sent");
  expect(await typing()).toEqual(["Ben"]);
  await types("ann");
  expect(await typing()).toEqual(["Ben", "Ann"]);
});
