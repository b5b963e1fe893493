import { randomUUID } from "node:crypto";
import pLimit from "p-limit";

/**
 * Sends messages one after the other, as anyone would write it in five minutes: JSON, retried after
 * a second.
 */
export type Speaker = {
  /** Never fails. Messages that are still unsent when the speaker closes are dropped. */
  say(text: string): Promise<void>;
  close(): void;
};

/** Opens a session and returns its speaker in a room. */
export async function openSpeaker(url: string, room: string, nickname: string): Promise<Speaker> {
  const over = new AbortController();
  const one = pLimit(1);
  const { token } = (await post("/api/session", { nickname })) as { token: string };
  return {
    say: (text) => one(() => sayOnce(text)).catch(() => undefined),
    close: () => over.abort(),
  };

  async function sayOnce(text: string): Promise<void> {
    const id = randomUUID();
    await post(`/api/rooms/${room}/messages`, { id, text, token });
  }

  async function post(path: string, value: object): Promise<unknown> {
    for (;;) {
      try {
        const signal = AbortSignal.any([over.signal, AbortSignal.timeout(10_000)]);
        const headers = { "content-type": "application/json" };
        const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(value), signal });
        if (response.ok) return await response.json();
        await response.body?.cancel();
      } catch (error) {
        if (over.signal.aborted) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      over.signal.throwIfAborted();
    }
  }
}

/** Creates a room. */
export async function createRoom(url: string, slug: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}/api/rooms`, { method: "POST", headers, body: JSON.stringify({ slug }) });
  if (!response.ok) throw new Error(`creating a room was answered with ${response.status}`);
}
