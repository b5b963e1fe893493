import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Channel, createChannel, createSession } from "better-sse";
import rawBody from "raw-body";
import { serve } from "./serve.ts";

/**
 * Runs better-sse as its guide to channels shows it: a channel per room, sessions registered,
 * messages broadcast.
 */
const channels = new Map<string, Channel>();

serve(
  createServer((request, response) => {
    const room = new URL(request.url as string, "http://localhost").searchParams.get("room") as string;
    void (request.method === "POST" ? publish(room, request, response) : read(room, request, response));
  }),
);

async function read(room: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const session = await createSession(request, response);
  channelOf(room).register(session);
}

async function publish(room: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  channelOf(room).broadcast(await rawBody(request, { encoding: "utf8" }));
  response.writeHead(204).end();
}

function channelOf(room: string): Channel {
  const channel = channels.get(room) ?? createChannel();
  channels.set(room, channel);
  return channel;
}
