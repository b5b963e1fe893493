import { expect, test } from "@jest/globals";
import { StartError } from "../../db/start-error.ts";
import { refuseUnknown, warningsOfMistyped } from "../../server/process/unknown-settings.ts";

test.each([
  ["CHATTERA_RAEDERS", "CHATTERA_READERS"],
  ["CHATTERA_READER", "CHATTERA_READERS"],
  ["CHATTERA_OPERATORS_SECRET", "CHATTERA_OPERATOR_SECRET"],
  ["CHATTERA_PORT", "PORT"],
  ["CHATTERA_DATABASE_URL", "DATABASE_URL"],
  ["CHATERA_READERS", "CHATTERA_READERS"],
  ["chattera_readers", "CHATTERA_READERS"],
  ["CHATTERA-SECRET", "CHATTERA_SECRET"],
])("a variable %s ends the start, and the sentence names %s", (name, meant) => {
  expect(() => refuseUnknown({ PATH: "/bin", [name]: "hidden" })).toThrow(StartError);
  expect(() => refuseUnknown({ [name]: "hidden" })).toThrow(`${name} is not a setting: use ${meant} instead`);
});

test("several are named together, and one that resembles none names the list", () => {
  expect(() => refuseUnknown({ CHATTERA_TEAPOT: "5" })).toThrow(
    "CHATTERA_TEAPOT is not a setting: chattera serve --help",
  );
  expect(() => refuseUnknown({ CHATTERA_TEAPOT: "5", CHATTERA_POOLS: "5" })).toThrow(
    "CHATTERA_POOLS, CHATTERA_TEAPOT are not settings: use CHATTERA_POOL instead",
  );
});

test("settings and the variables of other programs are left alone", () => {
  const env = { CHATTERA_POOL: "5", PORT: "80", HOST: "", CHATTER: "x", CHAT_SECRET: "x", PGHOST: "x", WORKER: "x" };
  expect(() => refuseUnknown(env)).not.toThrow();
  expect(warningsOfMistyped({ ...env, DATABASE_URL: "", LOG_LEVEL: "info", DATABASE_NAME: "x" })).toEqual([]);
});

test("a name that is one letter away from a setting without our prefix is a warning, unless that one is set", () => {
  const env = { DATABSE_URL: "postgres://user:hidden@db/chat", LOGLEVEL: "debug" };
  expect(warningsOfMistyped(env)).toEqual([
    "DATABSE_URL is not a setting of chattera. If it is meant for it, use DATABASE_URL.",
    "LOGLEVEL is not a setting of chattera. If it is meant for it, use LOG_LEVEL.",
  ]);
  expect(warningsOfMistyped({ ...env, DATABASE_URL: "postgres://db/chat", LOG_LEVEL: "info" })).toEqual([]);
});
