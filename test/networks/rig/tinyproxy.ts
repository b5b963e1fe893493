import { forward } from "./forward.ts";
import type { Running } from "./network.ts";
import { startProgram } from "./program.ts";

/** The path of tinyproxy. */
export const TINYPROXY = "/usr/bin/tinyproxy";

/** Starts tinyproxy, which closes a connection after `timeoutSeconds` of silence. */
export function startTinyproxy(target: string, timeoutSeconds: number, ...lines: string[]): Promise<Running> {
  return forward(target, () =>
    startProgram(({ folder, port }) => {
      const config = `Port ${port}
Listen 127.0.0.1
Timeout ${timeoutSeconds}
MaxClients 100
Allow 127.0.0.1
${lines.join("\n")}
`;
      return { path: TINYPROXY, files: { "tinyproxy.conf": config }, args: ["-d", "-c", `${folder}/tinyproxy.conf`] };
    }),
  );
}
