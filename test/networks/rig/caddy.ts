import type { Running } from "./network.ts";
import { startProgram } from "./program.ts";

/** The path of Caddy. */
export const CADDY = "/usr/bin/caddy";

/** Starts Caddy in front of `target`, with more directives. */
export function startCaddy(target: string, ...lines: string[]): Promise<Running> {
  return startProgram(({ folder, port }) => {
    const config = `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  bind 127.0.0.1
${lines.map((line) => `  ${line}\n`).join("")}  reverse_proxy ${new URL(target).host}
}
`;
    return {
      path: CADDY,
      files: { Caddyfile: config },
      args: ["run", "--config", `${folder}/Caddyfile`, "--adapter", "caddyfile"],
    };
  });
}
