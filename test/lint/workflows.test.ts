import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";

const FOLDER = ".github/workflows";

test.each(readdirSync(FOLDER))("%s runs only actions that are pinned to a commit and named by version", (file) => {
  const actions = readFileSync(`${FOLDER}/${file}`, "utf8").match(/uses:.*/g) ?? [];
  expect(actions.length).toBeGreaterThan(0);
  expect(actions.filter((action) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toEqual([]);
});

test("the scripts of package.json need no shell but cmd's", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: { [name: string]: string } };
  const commands = Object.values(scripts);
  expect(commands.length).toBeGreaterThan(5);
  expect(commands.filter((command) => /'|;|\$|\b(?:chmod|cp|rm|mkdir)\b|(?:^|&& )\w+=/.test(command))).toEqual([]);
});
