import type { TabMessage, TabWord } from "./message.ts";

/** The way from this tab to all others of this browser that go by the same name. */
export type Channel = {
  name: string;
  /** This tab's own name in it. */
  tab: string;
  post(word: TabWord): void;
  /** Returns what ends the listening. */
  listen(hear: (message: TabMessage) => void): () => void;
  close(): void;
};
