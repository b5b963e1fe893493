import { forward } from "./forward.ts";
import type { Running } from "./network.ts";
import { startProgram } from "./program.ts";

/** The path of Privoxy. */
export const PRIVOXY = "/usr/sbin/privoxy";

const SHIPPED = "/etc/privoxy";

/** Starts Privoxy with actions for all sites. By default they are those that Debian ships. */
export function startPrivoxy(target: string, actions?: string): Promise<Running> {
  return forward(target, () =>
    startProgram(({ folder, port }) => {
      const shipped = ["match-all.action", "default.action"].map((file) => `actionsfile ${SHIPPED}/${file}\n`).join("");
      const config = `confdir ${folder}
templdir ${SHIPPED}/templates
listen-address 127.0.0.1:${port}
${actions === undefined ? shipped : `actionsfile ${folder}/our.action\n`}filterfile ${SHIPPED}/default.filter
toggle 1
keep-alive-timeout 5
socket-timeout 300
max-client-connections 256
`;
      const files = { config, "our.action": `{${actions ?? ""}}\n/\n` };
      return { path: PRIVOXY, files, args: ["--no-daemon", `${folder}/config`] };
    }),
  );
}
