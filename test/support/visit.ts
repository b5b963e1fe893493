import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";

/** A request of a visitor. `from` is the address he comes from, one of this machine's 127.0.0.0/8. */
export type Visit = {
  method?: "GET" | "POST";
  headers?: { [name: string]: string };
  from?: string;
  form?: { [name: string]: string };
  json?: object;
  signal?: AbortSignal;
};

/** An answer to its end. */
export type Answer = { status: number; headers: IncomingHttpHeaders; bytes: Buffer; text: string };

/** The name by which visitors know the site of a proxy: chat.example.org, on a port that is not 80. */
export const hostOf = ({ port }: { port: number }) => `chat.example.org:${port}`;

/** Asks a proxy on this machine, by its public name and on a connection of its own. */
export async function visit(proxy: { port: number }, path: string, how: Visit = {}): Promise<Answer> {
  const response = await open(proxy, path, how);
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  const bytes = Buffer.concat(parts);
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString() };
}

/** The same for an answer that goes on: gives its head. Destroy the response when done. */
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
