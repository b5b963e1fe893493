import { forward } from "./forward.ts";
import type { Running } from "./network.ts";
import { startProgram } from "./program.ts";

/** The path of squid. */
export const SQUID = "/usr/sbin/squid";

/** Starts squid as the forward proxy of an office, with more lines before its rules. */
export function startSquid(target: string, ...lines: string[]): Promise<Running> {
  return forward(target, () =>
    startProgram(({ folder, port }) => {
      const config = `http_port 127.0.0.1:${port}
visible_hostname office
pid_filename ${folder}/pid
coredump_dir ${folder}
access_log none
cache_log ${folder}/cache.log
cache_store_log none
shutdown_lifetime 0 seconds
${lines.join("\n")}
http_access allow localhost
http_access deny all
`;
      return { path: SQUID, files: { "squid.conf": config }, args: ["-N", "-f", `${folder}/squid.conf`] };
    }),
  );
}
