import type { Running } from "./network.ts";
import { type ProxyProgram, startProgram } from "./program.ts";

/** The path of nginx. */
export const NGINX = "/usr/sbin/nginx";

/** Starts nginx in front of `target`, with more directives for its location and for all. */
export function startNginx(target: string, location: string, http = ""): Promise<Running> {
  return startProgram(({ folder, port }): ProxyProgram => {
    const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${folder}/${of};`);
    const config = `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
      events {}
      http { access_log off; ${temp.join(" ")} ${http.replaceAll("FOLDER", folder)}
        server { listen 127.0.0.1:${port};
          location / { proxy_pass ${target}; proxy_set_header Host $http_host; ${location} } } }`;
    return { path: NGINX, files: { "nginx.conf": config }, args: ["-c", `${folder}/nginx.conf`] };
  });
}
