import type { RoomEvent } from "../../protocol/event.ts";
import { clientId, type TestPerson } from "./app.ts";

/**
 * Whispers in a room, by default in the lobby under a new id. Returns the status and the answer.
 */
export async function tryWhisper(
  url: string,
  who: TestPerson,
  { to, text, room = "lobby", id = clientId() }: { to?: string | undefined; text: string; room?: string; id?: string },
): Promise<{ status: number; body: { event: RoomEvent; cursor: string; code?: string } }> {
  const response = await fetch(`${url}/api/rooms/${encodeURIComponent(room)}/whispers`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${who.token}` },
    body: JSON.stringify({ id, text, ...(to !== undefined && { to }) }),
  });
  return { status: response.status, body: (await response.json()) as { event: RoomEvent; cursor: string } };
}

/** Whispers, and returns the body of the receipt. */
export async function whisper(
  url: string,
  who: TestPerson,
  asked: { to?: string; text: string; room?: string; id?: string },
): Promise<{ event: RoomEvent; cursor: string }> {
  const { status, body } = await tryWhisper(url, who, asked);
  if (status !== 201 && status !== 200)
    throw new Error(`the whisper was answered with ${status} ${JSON.stringify(body)}`);
  return body;
}
