import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";

/** A request of a visitor. `from` is its local address, in 127.0.0.0/8. */
export type Visit = {
  method?: "GET" | "POST";
  headers?: { [name: string]: string };
  from?: string;
  form?: { [name: string]: string };
  json?: object;
  signal?: AbortSignal;
};

/** A complete answer. */
export type VisitAnswer = { status: number; headers: IncomingHttpHeaders; bytes: Buffer; text: string };

/** Returns the host under which visitors know a proxy's site: chat.example.org and its port. */
export const hostOf = ({ port }: { port: number }) => `chat.example.org:${port}`;

/** Makes a request to a proxy on this machine, by its public name, on a new connection. */
export async function visit(proxy: { port: number }, path: string, how: Visit = {}): Promise<VisitAnswer> {
  const response = await open(proxy, path, how);
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  const bytes = Buffer.concat(parts);
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString() };
}

/**
 * Makes a request whose answer does not end. Resolves with the response, which the caller must
 * destroy.
 */
export function open(
  { port }: { port: number },
  path: string,
  { method, headers, from, form, json, signal }: Visit = {},
): Promise<IncomingMessage> {
  const body = form ? new URLSearchParams(form).toString() : json && JSON.stringify(json);
  const type = form ? "application/x-www-form-urlencoded" : "application/json";
  return new Promise((resolve, reject) => {
    const asked = request({
      host: "127.0.0.1",
      port,
      path,
      method: method ?? (body === undefined ? "GET" : "POST"),
      agent: false,
      ...(from && { localAddress: from }),
      ...(signal && { signal }),
      headers: { host: hostOf({ port }), ...(body !== undefined && { "content-type": type }), ...headers },
    });
    asked.once("response", resolve);
    asked.once("error", reject);
    asked.end(body);
  });
}
