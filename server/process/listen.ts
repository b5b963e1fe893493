import { createServer, type Server } from "node:http";
import { networkInterfaces } from "node:os";
import { StartError } from "../../db/start-error.ts";
import type { Config } from "../config.ts";

/**
 * Listens at the configured address. Throws a StartError that explains why the port is not
 * available.
 */
export function listen(server: Server, config: Config): Promise<void> {
  const { port, host } = config;
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(explain(error, config)));
    server.listen(port, host === "" ? undefined : host, resolve);
  });
}

/** Throws a StartError if the port is not available, once, before each worker would do so. */
export async function checkPort(config: Config): Promise<void> {
  const server = createServer();
  await listen(server, config);
  await new Promise((resolve) => server.close(resolve));
}

/** Returns the URL of a site on this port. */
export function urlOf({ host, basePath }: Config, port: number): string {
  const name = host === "" ? "localhost" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}${basePath}`;
}

/**
 * Returns the URLs at which other nodes may reach this one: its own address, or those of all its
 * networks. They check who answers, so one that leads elsewhere does no harm.
 */
export function addressesOf(config: Config, port: number): string[] {
  if (config.host !== "") return [urlOf(config, port)];
  const outer = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"))
    .map(({ address }) => address);
  return ["127.0.0.1", ...outer].slice(0, ADDRESSES_MAX).map((host) => urlOf({ ...config, host }, port));
}

/** A notification has 8000 bytes, and asking many addresses would take long. */
const ADDRESSES_MAX = 4;

function explain(error: NodeJS.ErrnoException, { host, port }: Config): Error {
  const place = host === "" ? `Port ${port}` : `Port ${port} of ${host}`;
  const cause = { cause: error };
  if (error.code === "EADDRINUSE")
    return new StartError(`${place} is taken by another program: end that one, or set PORT to a free one.`, cause);
  if (error.code === "EACCES")
    return new StartError(
      `${place} may not be opened by this user: set PORT to one above 1023, and put a proxy in front.`,
      cause,
    );
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND")
    return new StartError(
      `This machine has no address ${host}: set HOST to one that it has, or leave it empty for all.`,
      cause,
    );
  return error;
}
