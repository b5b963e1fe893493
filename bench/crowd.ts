import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { GeneratorOrder, Outcome } from "./generator.ts";
import type { System } from "./systems/system.ts";

/** The generator. */
export type Crowd = {
  /**
   * Deliveries are waited for `patienceMs` after the last answer; what did not come by then was
   * lost.
   */
  speak(rate: number, seconds: number, patienceMs?: number): Promise<Outcome>;
  leave(): Promise<void>;
};

/** The generator's core; the server has the first. */
const CORE = "1";
const TASKSET = "/usr/bin/taskset";

/**
 * Opens all readers and writers of a system. `comeBack`: readers that are cut off come again;
 * `isTyping`: members report that they are typing.
 */
export async function gather(system: System, { comeBack = false, isTyping = false } = {}): Promise<Crowd> {
  const child = spawnGenerator();
  const gone = once(child, "exit");
  const ask = async (order: GeneratorOrder) => {
    const answer = once(child, "message");
    child.send(order);
    const [value] = await Promise.race([answer, gone.then(() => Promise.reject(new Error("the generator ended")))]);
    return value;
  };
  const { stop: _stop, restart: _restart, ...plan } = system;
  await ask({ do: "connect", plan: { ...plan, isTyping }, comeBack });
  return {
    speak: (rate, seconds, patienceMs = 20_000) => ask({ do: "speak", rate, seconds, patienceMs }) as Promise<Outcome>,
    leave: async () => {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function spawnGenerator(): ChildProcess {
  const file = fileURLToPath(new URL("generator.ts", import.meta.url));
  if (!existsSync(TASKSET)) return fork(file, { execArgv: ["--import", "tsx"] });
  return fork(file, { execPath: TASKSET, execArgv: ["-c", CORE, process.execPath, "--import", "tsx"] });
}
