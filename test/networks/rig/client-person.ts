import type { RoomEvent } from "../../../protocol/event.ts";
import type { Kind, Sighting } from "./person.ts";

/**
 * The part of `chattera/client` that is used here. Its source is typed for browsers, not for these
 * tests.
 */
type Connect = (url: string, options: { room: string; nickname?: string }) => Handle;
type State = { state: string; transport: string; slow: boolean };
type Handle = {
  on(name: "event", listener: (event: RoomEvent) => void): void;
  on(name: "state", listener: (state: State) => void): void;
  ready: Promise<void>;
  send(text: string): Promise<unknown>;
  close(): void;
};

const CLIENT = new URL("../../../client/index.ts", import.meta.url).href;

/** Connects by the client package, in this process. */
export const clientKind: Kind = {
  name: "client",
  async join(url, room, nickname) {
    const { connect } = (await import(CLIENT)) as { connect: Connect };
    const seen: Sighting[] = [];
    const notices = new Set<string>();
    let transport = "";
    const handle = connect(url, { room, ...(nickname === undefined ? {} : { nickname }) });
    handle.on("event", ({ seq, text = "" }) => seen.push({ seq, text, atMs: Date.now() }));
    handle.on("state", (state) => {
      if (state.transport !== "") transport = state.transport;
      notices.add(state.slow ? `${state.state}, slow` : state.state);
    });
    await handle.ready;
    return {
      seen,
      lastState: async () => ({ transport, notices: [...notices] }),
      // A refused message is never shown, and counts as lost.
      say: async (text) => void handle.send(text).catch((error: Error) => notices.add(error.message)),
      close: async () => handle.close(),
    };
  },
};
