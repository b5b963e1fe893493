import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { Missing } from "./missing.ts";
import { peer } from "./peer.ts";
import { type Program, runProgram } from "./program.ts";
import type { System, SystemOptions } from "./system.ts";

/**
 * Starts nginx with the module nchan, as Debian packs both: one worker process, messages in memory.
 * Readers come by SSE, or by long-poll when asked to.
 */
export async function start(options: SystemOptions): Promise<System> {
  const module = findModule();
  const folder = await mkdtemp(join(tmpdir(), "nchan-"));
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  await writeFile(file, configuration(module, folder, port));
  const program = runProgram(options.core, ["nginx", "-e", "stderr", "-c", file]);
  await untilReached(port, program);
  const isPolled = options.transport === "poll";
  const system = peer(program, options, {
    name: "nchan",
    port,
    wire: isPolled ? "nchan-poll" : "endless",
    read: `/${isPolled ? "poll" : "events"}?room={{room}}`,
    write: "/messages?room={{room}}",
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

function findModule(): string {
  const { error, stderr } = spawnSync("nginx", ["-V"], { encoding: "utf8" });
  if (error) throw new Missing("nginx is not here");
  const module = join(/--modules-path=(\S+)/.exec(stderr)?.[1] ?? "modules", "ngx_nchan_module.so");
  if (!existsSync(module)) throw new Missing("nginx is here, its module nchan is not");
  return module;
}

/**
 * Settings that are not the default: a thousand messages a room are kept instead of ten, so that a
 * late poller loses none, and for a minute instead of an hour; a late poller gets all that waits in
 * one answer; a comment every 25 s proves life to readers of SSE, as other servers do by default; a
 * connection of the thousandth request stays open.
 */
function configuration(module: string, folder: string, port: number): string {
  return `
    load_module ${module};
    user root;
    daemon off;
    worker_processes 1;
    pid ${folder}/pid;
    events { worker_connections 32768; }
    http {
      access_log off;
      keepalive_requests 1000000000;
      ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join("\n")}
      nchan_shared_memory_size 256m;
      nchan_message_buffer_length 1000;
      nchan_message_timeout 1m;
      server {
        listen 127.0.0.1:${port} backlog=4096;
        nchan_channel_id $arg_room;
        nchan_subscriber_first_message newest;
        location = /messages { nchan_publisher http; }
        location = /events { nchan_subscriber eventsource; nchan_eventsource_ping_interval 25; }
        location = /poll { nchan_subscriber longpoll; nchan_longpoll_multipart_response on; }
      }
    }`;
}

async function untilReached(port: number, program: Program): Promise<void> {
  const ended = program.ended.then(() => Promise.reject(new Error("nginx ended before it was up")));
  while (!(await Promise.race([isReached(port), ended]))) await wait(20);
  ended.catch(() => {});
}

function isReached(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
