import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { parseDocument } from "yaml";
import { describeSettings } from "../../server/config.ts";

const ANALYZE = "/usr/bin/systemd-analyze";
const withSystemd = existsSync(ANALYZE) ? test : test.skip;

type Service = {
  image: string;
  environment?: { [name: string]: string };
  depends_on?: { [name: string]: object };
  command?: string[];
};

withSystemd("the systemd unit is valid, and its exposure is below 3", () => {
  const folder = mkdtempSync(join(tmpdir(), "chattera-unit-"));
  const unit = join(folder, "chattera@3000.service");
  // The machine of this test may have its Node elsewhere.
  const text = readFileSync("deploy/chattera@.service", "utf8").replace("/usr/bin/node", process.execPath);
  writeFileSync(unit, text);
  try {
    const { status, stderr } = spawnSync(ANALYZE, ["verify", unit], { encoding: "utf8" });
    expect([status, stderr.split("\n").filter((line) => line.includes("chattera"))]).toEqual([0, []]);
    const report = execFileSync(ANALYZE, ["security", "--offline=true", unit], { encoding: "utf8" });
    const level = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(report)?.[1]);
    expect(level).toBeLessThan(3);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the compose file is valid YAML, and its services exist and have settings that exist", () => {
  const document = parseDocument(readFileSync("deploy/compose.yaml", "utf8"), { merge: true });
  expect([document.errors, document.warnings]).toEqual([[], []]);
  const { services } = document.toJS() as { services: { [name: string]: Service } };
  const known = describeSettings().map(({ env }) => env);
  for (const [name, { environment = {}, depends_on = {} }] of Object.entries(services)) {
    expect(Object.keys(depends_on).filter((other) => !(other in services))).toEqual([]);
    if (name === "one" || name === "two")
      expect(Object.keys(environment).filter((env) => !known.includes(env))).toEqual([]);
  }
});

test("nginx of the compose file uses deploy/nginx.conf with the names of the nodes", () => {
  const { services } = parseDocument(readFileSync("deploy/compose.yaml", "utf8"), { merge: true }).toJS() as {
    services: { [name: string]: Service };
  };
  const script = services.nginx?.command?.[2] ?? "";
  const changes = /sed '([^']+)' \/chattera.conf/.exec(script)?.[1] ?? "";
  const changed = execFileSync("sed", [changes, "deploy/nginx.conf"], { encoding: "utf8" });
  const servers = [...changed.matchAll(/^ +server (\S+)/gm)].map(([, server]) => server);
  expect(servers).toEqual(["one:3000", "two:3000"]);
  for (const server of servers) expect(services).toHaveProperty((server as string).split(":")[0] as string);
});

test("the Dockerfile uses the same supported Node twice, and reports its health", () => {
  const file = readFileSync("Dockerfile", "utf8");
  const versions = [...file.matchAll(/^FROM node:(\d+)-slim/gm)].map(([, version]) => Number(version));
  expect(versions).toEqual([24, 24]);
  const health = /^HEALTHCHECK .*CMD (\[.*\])$/m.exec(file)?.[1] ?? "";
  const [, , script = ""] = JSON.parse(health) as string[];
  // The same program, against an address where nothing answers.
  const env = { ...process.env, PORT: "1", BASE_PATH: "" };
  expect(() => execFileSync(process.execPath, ["-e", script], { env, stdio: "ignore" })).toThrow();
});
