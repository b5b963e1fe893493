import { once } from "node:events";
import WebSocket from "ws";

/** Fields of a command or an event of the DevTools protocol. */
export type CommandFields = { [name: string]: unknown };

/** A connection to a browser, or to one of its pages, over the DevTools protocol. */
export type DevTools = {
  /** Sends a command and returns its result. Throws what the browser answers in its place. */
  send(method: string, params?: CommandFields): Promise<CommandFields>;
  /** Calls `listener` for every event of this name. */
  on(event: string, listener: (params: CommandFields) => void): void;
  close(): void;
};

type Message = {
  id?: number;
  method?: string;
  params?: CommandFields;
  result?: CommandFields;
  error?: { message: string };
};

/** Connects to a DevTools address, `ws://…`. Playwright does not work with Chromium before 80. */
export async function connectDevTools(url: string): Promise<DevTools> {
  const socket = new WebSocket(url);
  await once(socket, "open");
  const answers = new Map<number, { resolve(result: CommandFields): void; reject(error: Error): void }>();
  const listeners = new Map<string, (params: CommandFields) => void>();
  let sent = 0;
  socket.on("message", (data) => receive(JSON.parse(String(data)) as Message));
  socket.on("close", () => {
    for (const { reject } of answers.values()) reject(new Error("the browser has closed the connection"));
  });
  return {
    send: (method, params = {}) => {
      sent += 1;
      const id = sent;
      socket.send(JSON.stringify({ id, method, params }));
      return new Promise((resolve, reject) => answers.set(id, { resolve, reject }));
    },
    on: (event, listener) => void listeners.set(event, listener),
    close: () => socket.close(),
  };

  function receive({ id, method, params = {}, result = {}, error }: Message): void {
    if (id === undefined) {
      listeners.get(method ?? "")?.(params);
      return;
    }
    const answer = answers.get(id);
    answers.delete(id);
    if (error) answer?.reject(new Error(error.message));
    else answer?.resolve(result);
  }
}
