/// <reference types="node" />
// Only the types of Node's modules are imported, since the package's script has to load in
// browsers.
import type { BlockList } from "node:net";

type Variables = { [name: string]: string | undefined };

/**
 * Returns the proxy that the environment names for a site, as for curl: HTTPS_PROXY, HTTP_PROXY,
 * ALL_PROXY and NO_PROXY, in lower or upper case. `undefined` if there is none. Throws a TypeError
 * if a variable names no address.
 */
export function proxyFor({ protocol, hostname }: URL, variables: Variables): URL | undefined {
  const read = (name: string) => variables[name.toLowerCase()] || variables[name.toUpperCase()] || "";
  const proxy = read(`${protocol.slice(0, -1)}_proxy`) || read("all_proxy");
  if (proxy === "" || isExcepted(hostname, read("no_proxy"))) return undefined;
  return new URL(proxy.includes("://") ? proxy : `http://${proxy}`);
}

/** Returns the header by which the user of a proxy proves who they are. */
export function proxyProof({ username, password }: URL): { [name: string]: string } {
  if (username === "") return {};
  const proof = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { "Proxy-Authorization": `Basic ${proof.toString("base64")}` };
}

/** Whether a list of names, addresses and networks has this host, or a domain that it is in. */
function isExcepted(hostname: string, list: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      const name = entry.replace(/^\*?\./, "");
      if (name === "*" || name === host) return true;
      return name !== "" && (host.endsWith(`.${name}`) || isInNetwork(host, name));
    });
}

function isInNetwork(host: string, network: string): boolean {
  const { BlockList, isIP } = process.getBuiltinModule("node:net");
  const [address = "", bits] = network.split("/");
  const family = isIP(address);
  if (bits === undefined || family === 0 || isIP(host) !== family) return false;
  const list: BlockList = new BlockList();
  const type = family === 6 ? "ipv6" : "ipv4";
  list.addSubnet(address, Number(bits), type);
  return list.check(host, type);
}
