import { createHash } from "node:crypto";
import { formatCursorIn, sumOf } from "../../protocol/cursor.ts";
import type { EventKind, RoomEvent } from "../../protocol/event.ts";
import type { Receiver } from "../hooks/deliver.ts";

/** A listener of the host for events of one kind, with the cursor after each. */
export type NamedListener = {
  kind: EventKind;
  name: string;
  listener(event: RoomEvent & { cursor: string }): unknown;
};

/** A listener that takes longer is called again, since another node may deliver after 30 s. */
const TIMEOUT_MS = 20_000;

/** Returns the receiver that calls a listener, and stores its positions under its name. */
export function receiverOf({ kind, name, listener }: NamedListener): Receiver {
  return {
    id: createHash("sha256").update(`listener ${name} ${kind}`).digest("base64url").slice(0, 16),
    noun: "listener of the host",
    fields: { name, kind },
    kinds: new Set([kind]),
    take: async (event, { id: room }, { log, logger }) => {
      const cursor = formatCursorIn(log.epoch, { room, seq: event.seq, sum: sumOf(event) });
      try {
        await inTime(async () => listener({ ...event, cursor }));
        return undefined;
      } catch (error) {
        logger.debug({ err: error, name, kind }, "listener of the host threw");
        return { error: error instanceof Error ? error.message : String(error), isRefused: false };
      }
    },
  };
}

async function inTime(work: () => Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
