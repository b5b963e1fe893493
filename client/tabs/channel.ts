import type { TabMessage, TabWord } from "./message.ts";

/** A channel from this tab to all others of this browser that open one of the same name. */
export type Channel = {
  name: string;
  /** This tab's own name in it. */
  tab: string;
  post(word: TabWord): void;
  /** Adds a listener. Returns a function that removes it. */
  listen(listener: (message: TabMessage) => void): () => void;
  close(): void;
};
