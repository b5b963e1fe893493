import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { freePort } from "./free-port.ts";
import { until } from "./until.ts";

/** Debian keeps it where only root's PATH leads. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };

/** Is there a NATS on this machine? */
export const HAS_NATS = spawnSync("nats-server", ["--version"], { env }).status === 0;

/** A NATS of a test's own, which wants this name and password. */
export type Nats = {
  url: string;
  /** As a crash ends it. */
  kill(): Promise<void>;
  /** At the same port again. */
  start(): Promise<void>;
  close(): Promise<void>;
};

/** Starts it on a free port. */
export async function openNats(): Promise<Nats> {
  const port = await freePort();
  let child: ReturnType<typeof spawn> | undefined;
  await start();
  return { url: `nats://ann:s%40crit@127.0.0.1:${port}`, kill, start, close: kill };

  async function start(): Promise<void> {
    const args = ["--addr", "127.0.0.1", "--port", `${port}`, "--user", "ann", "--pass", "s@crit"];
    const started = spawn("nats-server", args, { env, stdio: "ignore" });
    process.once("exit", () => started.kill("SIGKILL"));
    child = started;
    await until("NATS answers", () => isReached(port));
  }

  async function kill(): Promise<void> {
    if (child === undefined) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    child = undefined;
  }
}

function isReached(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
