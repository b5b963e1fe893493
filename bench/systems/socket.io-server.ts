import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import rawBody from "raw-body";
import { Server } from "socket.io";
import { serve } from "./serve.ts";

/**
 * Socket.IO as its guide to rooms shows it, with a route of HTTP from which messages are emitted.
 */
// Requests that are not under /socket.io/.
const server = createServer((request, response) => void publish(request, response));
const io = new Server(server, { transports: ["polling"], serveClient: false });

io.on("connection", (socket) => {
  void socket.join(socket.handshake.query.room as string);
});
serve(server);

async function publish(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const room = new URL(request.url as string, "http://localhost").searchParams.get("room") as string;
  io.to(room).emit("message", await rawBody(request, { encoding: "utf8" }));
  response.writeHead(204).end();
}
