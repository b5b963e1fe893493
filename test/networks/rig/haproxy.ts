import type { Running } from "./network.ts";
import { startProgram } from "./program.ts";

/** The path of HAProxy. */
export const HAPROXY = "/usr/sbin/haproxy";

/** Starts HAProxy in front of `target`, with timeouts and more lines for its defaults. */
export function startHaproxy(target: string, timeoutSeconds: number, ...lines: string[]): Promise<Running> {
  return startProgram(({ folder, port }) => {
    const config = `defaults
  mode http
  timeout connect 5s
  timeout client ${timeoutSeconds}s
  timeout server ${timeoutSeconds}s
${lines.map((line) => `  ${line}\n`).join("")}
listen site
  bind 127.0.0.1:${port}
  server node ${new URL(target).host}
`;
    return { path: HAPROXY, files: { "haproxy.cfg": config }, args: ["-db", "-f", `${folder}/haproxy.cfg`] };
  });
}
