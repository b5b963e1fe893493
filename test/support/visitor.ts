import { Agent, get, type IncomingMessage, request } from "node:http";

/** What was answered. */
export type Reply = { status: number; headers: IncomingMessage["headers"]; text: string; body: Body };

/** The members of answers that tests look at. */
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

/** An answer that does not end by itself, as it arrives. */
export type Held = { status: number; text(): string; isOver(): boolean; close(): void };

/** Somebody at an address of this machine, 127.0.0.1 to 127.255.255.254. */
export type From = {
  get(path: string, headers?: { [name: string]: string }): Promise<Reply>;
  post(path: string, body: object, headers?: { [name: string]: string }): Promise<Reply>;
  /** Sends a body as it is. */
  send(path: string, body: string, headers: { [name: string]: string }): Promise<Reply>;
  /** Opens a stream or a page that grows; resolves with its head. */
  hold(path: string, headers?: { [name: string]: string }): Promise<Held>;
  close(): void;
};

/** Asks a node from an address of its own, over kept connections. */
export function from(url: string, localAddress: string): From {
  const agent = new Agent({ keepAlive: true, localAddress, maxSockets: 1_000 });
  const held = new Set<Held>();
  return {
    get: (path, headers = {}) => ask("GET", path, undefined, headers),
    post: (path, body, headers = {}) =>
      ask("POST", path, JSON.stringify(body), { "content-type": "application/json", ...headers }),
    send: (path, body, headers) => ask("POST", path, body, headers),
    hold,
    close: () => {
      for (const one of held) one.close();
      agent.destroy();
    },
  };

  function ask(method: string, path: string, body: string | undefined, headers: object): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const asked = request(url + path, { method, agent, headers: { ...headers } }, (response) => {
        readWhole(response).then(resolve, reject);
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }

  function hold(path: string, headers: { [name: string]: string } = {}): Promise<Held> {
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

async function readWhole(response: IncomingMessage): Promise<Reply> {
  let text = "";
  response.setEncoding("utf8");
  for await (const piece of response) text += piece;
  const isJson = /json/.test(response.headers["content-type"] ?? "");
  const body = (isJson ? JSON.parse(text) : {}) as Body;
  return { status: response.statusCode ?? 0, headers: response.headers, text, body };
}
