/** An event that a participant was shown. `text` is empty for an event that is not a message. */
export type Sighting = { seq: number; text: string; atMs: number };

/** A participant of a conversation, connected through a network. */
export type Participant = {
  /** In the order in which they were shown. */
  seen: Sighting[];
  /** Sends a message. Resolves when the client has accepted it, not when it is stored. */
  say(text: string): Promise<void>;
  /** Returns the transport in use, and all states of the connection that were shown. */
  lastState(): Promise<{ transport: string; notices: string[] }>;
  close(): Promise<void>;
};

/** A kind of client: the program that reads and writes for a participant. */
export type Kind = {
  name: string;
  /**
   * Connects a participant. Every message sent after it resolves must be shown. Without a nickname,
   * it only reads.
   */
  join(url: string, room: string, nickname?: string): Promise<Participant>;
};
