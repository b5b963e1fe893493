import { expect, test } from "@jest/globals";
import { runCommand } from "../support/run-command.ts";

test.each([
  { args: ["sevre"], err: "error: there is no command 'sevre'. See chattera --help." },
  { args: ["serve", "3000"], err: "error: there is no command '3000'. See chattera --help." },
  { args: ["prune", "--days", "soon"], err: /^error: option '--days .*'soon' is invalid. It must be a whole number/ },
  { args: ["ban", "--minutes", "0"], err: /'0' is invalid. It must be a whole number from 1 to 525600/ },
  { args: ["log", "--limit", "0"], err: /'0' is invalid. It must be a whole number from 1 to 1000/ },
  { args: ["log", "--limit", "1001"], err: /'1001' is invalid. It must be a whole number from 1 to 1000/ },
  {
    args: ["emergency", "--speak-after", "99999"],
    err: /'99999' is invalid. It must be a whole number from 0 to 10080/,
  },
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
