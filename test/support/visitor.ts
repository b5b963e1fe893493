import { Agent, get, type IncomingMessage, request } from "node:http";

/** A complete answer. */
export type VisitorReply = { status: number; headers: IncomingMessage["headers"]; text: string; body: Body };

/** The members of answers that tests check. */
type Body = {
  token: string;
  member: { id: string };
  code?: string;
  detail?: string;
  checks?: { [name: string]: boolean };
  events?: { seq: number; text: string }[];
  cursor: string;
  signals?: { signal: string; reason?: string }[];
};

/** An answer that does not end on its own, and its text so far. */
export type HeldRequest = { status: number; text(): string; isOver(): boolean; close(): void };

/** A visitor at a local address, 127.0.0.1 to 127.255.255.254. */
export type From = {
  get(path: string, headers?: { [name: string]: string }): Promise<VisitorReply>;
  post(path: string, body: object, headers?: { [name: string]: string }): Promise<VisitorReply>;
  /** Posts a body unchanged. */
  send(path: string, body: string, headers: { [name: string]: string }): Promise<VisitorReply>;
  /** Opens a stream or a page that grows. Resolves when its headers arrive. */
  hold(path: string, headers?: { [name: string]: string }): Promise<HeldRequest>;
  close(): void;
};

/** Returns a visitor with its own address and keep-alive connections. */
export function from(url: string, localAddress: string): From {
  const agent = new Agent({ keepAlive: true, localAddress, maxSockets: 1_000 });
  const held = new Set<HeldRequest>();
  return {
    get: (path, headers = {}) => ask("GET", path, { headers }),
    post: (path, body, headers = {}) =>
      ask("POST", path, {
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    send: (path, body, headers) => ask("POST", path, { headers, body }),
    hold,
    close: () => {
      for (const one of held) one.close();
      agent.destroy();
    },
  };

  function ask(
    method: string,
    path: string,
    { headers, body }: { headers: object; body?: string },
  ): Promise<VisitorReply> {
    return new Promise((resolve, reject) => {
      const asked = request(url + path, { method, agent, headers: { ...headers } }, (response) => {
        readWhole(response).then(resolve, reject);
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }

  function hold(path: string, headers: { [name: string]: string } = {}): Promise<HeldRequest> {
    return new Promise((resolve, reject) => {
      const asked = get(url + path, { agent: false, localAddress, headers }, (response) => {
        let text = "";
        let isOver = false;
        response.setEncoding("utf8").on("data", (piece) => {
          text += piece;
        });
        response.on("error", () => undefined);
        response.on("close", () => {
          isOver = true;
        });
        const one = {
          status: response.statusCode ?? 0,
          text: () => text,
          isOver: () => isOver,
          close: () => response.destroy(),
        };
        held.add(one);
        resolve(one);
      });
      asked.on("error", reject);
    });
  }
}

async function readWhole(response: IncomingMessage): Promise<VisitorReply> {
  let text = "";
  response.setEncoding("utf8");
  for await (const piece of response) text += piece;
  const isJson = /json/.test(response.headers["content-type"] ?? "");
  const body = (isJson ? JSON.parse(text) : {}) as Body;
  return { status: response.statusCode ?? 0, headers: response.headers, text, body };
}
