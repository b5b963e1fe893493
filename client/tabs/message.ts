import type { MembersSignal, PingSignal, ResetSignal, RoomEvent, TypingSignal } from "../../protocol/event.ts";
import type { SessionStatus } from "../core/reading/state.ts";

/** News of a room as the leading tab got it. */
export type TabNews =
  | { name: "event"; news: RoomEvent; cursor: string }
  | { name: "members"; news: MembersSignal }
  | { name: "typing"; news: TypingSignal }
  | { name: "reset"; news: ResetSignal };

/** How the leading tab stands: its own session's status, and how long nobody has looked at it. */
export type LeaderState = { status: SessionStatus; hiddenMs: number };

/** What one tab says to all the others; `link` names a guest's link, which one of them is meant by. */
export type TabMessage = { from: string } & (
  | { say: "who leads?" }
  /** I do, since then. */
  | { say: "lead"; at: number }
  /** I do no more. */
  | { say: "gone" }
  /** A guest asks the leader to read these rooms for it, asks whether it is still there, and parts. */
  | { say: "join"; link: string; rooms: string[]; after: string[] }
  | { say: "ask"; link: string }
  | { say: "part"; link: string }
  /** Somebody looks at the guest: is what is open alive? */
  | { say: "wake" }
  | { say: "expect"; room: string; seq: number; rttMs: number }
  /** The leader's answer to `join` and `ask`. */
  | { say: "here"; link: string; ping: PingSignal; state: LeaderState }
  | { say: "full" | "unknown"; link: string }
  /** What it tells all its guests. */
  | { say: "ping"; ping: PingSignal }
  | { say: "state"; state: LeaderState }
  | { say: "news"; of: TabNews }
);

/** A message but for its sender. */
export type TabWord = TabMessage extends infer Message
  ? Message extends { from: string }
    ? Omit<Message, "from">
    : never
  : never;
