import { once } from "node:events";
import { createServer, request as send } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

/** A forward proxy on this machine, as an office has one. */
export type ForwardProxy = {
  url: string;
  /**
   * The first lines of the requests so far, and the users who sent them, "" if they did not say.
   */
  asked: string[];
  users: string[];
  /** Tunnels that were opened lead here, whatever host they name. */
  leadTo(port: number): void;
  close(): Promise<void>;
};

/**
 * Opens a forward proxy, for whole URLs and for tunnels. If there is a `site`, requests for any
 * host lead there.
 */
export async function openForwardProxy(site?: string): Promise<ForwardProxy> {
  const asked: string[] = [];
  const users: string[] = [];
  const sockets = new Set<Socket>();
  let target: number | undefined;
  const note = (line: string, proof: string | undefined) => {
    asked.push(line);
    users.push(Buffer.from((proof ?? "").replace("Basic ", ""), "base64").toString());
  };
  const server = createServer((request, response) => {
    const { method, url = "", headers } = request;
    note(`${method} ${url}`, headers["proxy-authorization"]);
    const { pathname, search } = new URL(url);
    const onward = send(
      site === undefined ? url : site + pathname + search,
      { method: method ?? "GET", headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("connect", ({ url = "", headers }, near: Socket) => {
    note(`CONNECT ${url}`, headers["proxy-authorization"]);
    const far = connect(target ?? Number(url.split(":").at(-1)), "127.0.0.1", () => {
      near.write("HTTP/1.1 200 OK\r\n\r\n");
      near.pipe(far).pipe(near);
    });
    far.on("error", () => near.destroy());
    near.on("close", () => far.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    users,
    leadTo(port) {
      target = port;
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
