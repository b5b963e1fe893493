import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.ts";

/** A real nginx in front of a site, as a careless operator configures it. */
export type Nginx = { url: string; close(): Promise<void> };

/** Is nginx installed on this machine? */
export const hasNginx = existsSync("/usr/sbin/nginx");

/**
 * Starts nginx before `target`, with more directives for its one location, and some outside its
 * server.
 */
export async function startNginx(target: string, directives: string, outside = ""): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "chattera-nginx-"));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
     events {}
     http { access_log off; ${temp.join(" ")} ${outside}
       server { listen 127.0.0.1:${port}; location / { proxy_pass ${target}; proxy_set_header Host $http_host; ${directives} } } }`,
  );
  execFileSync("/usr/sbin/nginx", ["-t", "-q", "-c", join(folder, "nginx.conf")]);
  const nginx: ChildProcess = spawn("/usr/sbin/nginx", ["-c", join(folder, "nginx.conf")], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  await until("nginx answers", () =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    url,
    close: async () => {
      const ended = new Promise((resolve) => nginx.once("exit", resolve));
      nginx.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
