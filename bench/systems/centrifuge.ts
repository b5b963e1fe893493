import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Missing } from "./missing.ts";
import { peer } from "./peer.ts";
import { runProgram } from "./program.ts";
import type { System, SystemOptions } from "./system.ts";

/**
 * Centrifuge, the Go library within Centrifugo, in centrifuge/main.go: its SSE handler, its broker
 * in memory, no history, a write for each message as is its default; Go is set to one core.
 */
export function start(options: SystemOptions): Promise<System> {
  return startCentrifuge("centrifuge", options, []);
}

/** The same with arguments of main.go's. */
export async function startCentrifuge(name: string, options: SystemOptions, args: string[]): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), "centrifuge-"));
  await build(folder);
  const program = runProgram(options.core, [join(folder, "centrifuge"), ...args], { ...process.env, GOMAXPROCS: "1" });
  const system = peer(program, options, {
    name,
    port: Number(await program.firstLine),
    wire: "endless",
    read: `/events?cf_connect=${encodeURIComponent(CONNECT).replace("ROOM", "{{room}}")}`,
    write: "/messages?room={{room}}",
    body: '"{{text}}"', // The published data is JSON
  });
  return {
    ...system,
    isCompiled: true,
    async stop() {
      await program.stop();
      await rm(folder, { recursive: true });
    },
  };
}

async function build(folder: string): Promise<void> {
  const cwd = fileURLToPath(new URL("centrifuge", import.meta.url));
  const { error, status, stderr } = spawnSync("go", ["build", "-o", folder, "."], { cwd, encoding: "utf8" });
  if (status === 0) return;
  await rm(folder, { recursive: true });
  throw new Missing(error ? "go is not here, which builds it" : `go does not build it: ${stderr}`);
}

const CONNECT = JSON.stringify({ id: 1, connect: { data: { room: "ROOM" } } });
