import { expect, test } from "@jest/globals";
import { pino } from "pino";
import { connect } from "../../db/pool/connect.ts";
import { logRetry } from "../../server/upkeep/background-work.ts";
import { removeRooms } from "../../server/upkeep/room-removal.ts";
import { freePort } from "../support/free-port.ts";

/** Returns the line that is logged for an error. */
function lineOf(error: unknown): { [field: string]: unknown } {
  const lines: string[] = [];
  logRetry(pino({}, { write: (line) => void lines.push(line) }), error, "removing unused rooms");
  return JSON.parse(lines.join(""));
}

test("background work that fails since the database is away is logged with the cause and without a stack", async () => {
  const db = connect(`postgres://127.0.0.1:${await freePort()}/nowhere`);
  const wakeUps = { publish: async () => undefined, listen: () => Promise.reject(new Error("not here")) };
  const error = await removeRooms(db, wakeUps as never).catch((reason: unknown) => reason);
  await db.destroy();
  const line = lineOf(error);
  expect(line).toMatchObject({ msg: "removing unused rooms failed; retrying" });
  expect(line.cause).toContain("ECONNREFUSED");
  expect(JSON.stringify(line)).not.toContain("stack");
});

test("background work that fails for another reason is logged with its stack", () => {
  expect(lineOf(new TypeError("a bug"))).toMatchObject({ err: { message: "a bug", stack: expect.any(String) } });
});
