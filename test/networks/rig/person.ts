/** An event that somebody was shown; `text` is empty where nobody said anything. */
export type Sighting = { seq: number; text: string; atMs: number };

/** Somebody in a room, by way of a network. */
export type Person = {
  /** In the order of showing. */
  seen: Sighting[];
  /** Resolves when the person has done what one does to say something. */
  say(text: string): Promise<void>;
  /** What carries the events in the end, and what the person was told about the connection on the way. */
  lastLook(): Promise<{ transport: string; notices: string[] }>;
  close(): Promise<void>;
};

/** A kind of person: what reads and writes on their behalf. */
export type Kind = {
  name: string;
  /** Resolves when what is said from then on must be shown. Without a nickname one only reads. */
  sit(url: string, room: string, nickname?: string): Promise<Person>;
};
