import { randomUUID } from "node:crypto";
import pLimit from "p-limit";

/** Says messages one after the other as anybody would write it in five minutes: JSON, again after a second if it fails. */
export type Mouth = {
  /** Never fails: what was not said when the mouth closes is not said. */
  say(text: string): Promise<void>;
  close(): void;
};

/** Takes a session at the site and speaks in a room. */
export async function openMouth(url: string, room: string, nickname: string): Promise<Mouth> {
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

/** Makes a room. */
export async function createRoom(url: string, slug: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}/api/rooms`, { method: "POST", headers, body: JSON.stringify({ slug }) });
  if (!response.ok) throw new Error(`a room was answered ${response.status}`);
}
