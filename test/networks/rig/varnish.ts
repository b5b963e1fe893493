import type { Running } from "./network.ts";
import { startProgram } from "./program.ts";

/** The path of Varnish. */
export const VARNISH = "/usr/sbin/varnishd";

/** Starts Varnish in front of `target`. `fetched` is the VCL for answers of the site. */
export function startVarnish(target: string, fetched: string, ...parameters: string[]): Promise<Running> {
  return startProgram(({ folder, port }) => {
    const { hostname, port: sitePort } = new URL(target);
    const vcl = `vcl 4.1;
backend default { .host = "${hostname}"; .port = "${sitePort}"; }
sub vcl_backend_response { ${fetched} }
`;
    const args = ["-F", "-n", `${folder}/work`, "-f", `${folder}/site.vcl`, "-s", "malloc,16m", "-j", "none"];
    args.push("-a", `127.0.0.1:${port}`, ...parameters.flatMap((parameter) => ["-p", parameter]));
    return { path: VARNISH, files: { "site.vcl": vcl }, args };
  });
}
