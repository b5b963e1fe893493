import type { Running } from "./network.ts";
import { startProgram } from "./program.ts";

/** The path of Apache. */
export const APACHE = "/usr/sbin/apache2";

const MODULES = "/usr/lib/apache2/modules";
const NEEDED = [
  "mpm_event",
  "authz_core",
  "filter",
  "deflate",
  "buffer",
  "proxy",
  "proxy_http",
  "cache",
  "cache_socache",
  "socache_shmcb",
];

/** Starts Apache with mod_proxy in front of `target`, with a timeout and more directives. */
export function startApache(target: string, timeoutSeconds: number, ...lines: string[]): Promise<Running> {
  return startProgram(({ folder, port }) => {
    const config = `${NEEDED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so\n`).join("")}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
DefaultRuntimeDir ${folder}
User daemon
Group daemon
ProxyPreserveHost On
ProxyPass / ${target}/
ProxyTimeout ${timeoutSeconds}
CacheSocache shmcb:${folder}/cache(1048576)
${lines.join("\n")}
`;
    const args = ["-d", folder, "-f", `${folder}/apache.conf`, "-DFOREGROUND"];
    return { path: APACHE, files: { "apache.conf": config }, args };
  });
}
