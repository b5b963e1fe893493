import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { freePort } from "./free-port.ts";
import { until } from "./until.ts";

/** Debian installs it where only root's PATH looks. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };

/** Is NATS installed on this machine? */
export const HAS_NATS = spawnSync("nats-server", ["--version"], { env }).status === 0;

/** A NATS server for one test, which requires a name and a password. */
export type Nats = {
  url: string;
  /** Ends it like a crash. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  close(): Promise<void>;
};

/** Starts NATS on a free port. */
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
