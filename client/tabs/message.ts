import type { MembersSignal, PingSignal, ResetSignal, RoomEvent, TypingSignal } from "../../protocol/event.ts";
import type { RoomSignal } from "../../protocol/room-settings.ts";
import type { SessionStatus } from "../core/reading/state.ts";

// Tabs may run scripts of different versions, so the words of these messages are a protocol.

/** An event or a signal of a room, as the leading tab got it. */
export type RoomUpdate =
  | { name: "event"; news: RoomEvent; cursor: string }
  | { name: "members"; news: MembersSignal }
  | { name: "typing"; news: TypingSignal }
  | { name: "room"; news: RoomSignal }
  | { name: "reset"; news: ResetSignal };

/**
 * The state of the leading tab: its own session's status, and for how long the tab has been hidden.
 */
export type LeaderState = { status: SessionStatus; hiddenMs: number };

/** A message from one tab to all others; `link` names the guest's link that is meant. */
export type TabMessage = { from: string } & (
  | { say: "who leads?" }
  /** This tab leads, since that time. */
  | { say: "lead"; at: number }
  /** This tab no longer leads. */
  | { say: "gone" }
  /** A guest asks the leader to read rooms for it, asks whether it is still there, and leaves. */
  | { say: "join"; link: string; rooms: string[]; after: string[] }
  | { say: "ask"; link: string }
  | { say: "part"; link: string }
  /** A guest is being looked at: the leader checks whether its connection is alive. */
  | { say: "wake" }
  | { say: "expect"; room: string; seq: number; rttMs: number }
  /** A request of a guest that began at this time died in silence. */
  | { say: "doubt"; since: number }
  /** The leader's answer to `join` and `ask`. */
  | { say: "here"; link: string; ping: PingSignal; state: LeaderState }
  | { say: "full" | "unknown"; link: string }
  /** The leader posts these to all its guests. */
  | { say: "ping"; ping: PingSignal }
  | { say: "state"; state: LeaderState }
  | { say: "news"; of: RoomUpdate }
);

/** A message without its sender. */
export type TabWord = TabMessage extends infer Message
  ? Message extends { from: string }
    ? Omit<Message, "from">
    : never
  : never;
