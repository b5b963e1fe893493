import { expect, test } from "@jest/globals";
import { runCommand } from "../support/run-command.ts";

test.each([
  { args: ["sevre"], err: "error: there is no command 'sevre'. See chattera --help." },
  { args: ["serve", "3000"], err: "error: there is no command '3000'. See chattera --help." },
  { args: ["prune", "--days", "soon"], err: /^error: option '--days .*'soon' is invalid. It must be a whole number/ },
  {
    args: ["prune", "--days", "0"],
    err: /^error: option '--days .*'0' is invalid. It must be a whole number, 1 or more/,
  },
])(
  "chattera $args ends with a sentence about what was typed",
  async ({ args, err }) => {
    const ended = await runCommand(args);
    expect(ended).toMatchObject({ code: 1, out: "" });
    expect(ended.err.trim()).toMatch(err);
  },
  30_000,
);
