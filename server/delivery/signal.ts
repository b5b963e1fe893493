import type {
  ByeSignal,
  HelloSignal,
  MembersSignal,
  PingSignal,
  ResetSignal,
  TypingSignal,
} from "../../protocol/event.ts";
import type { RoomSignal } from "../../protocol/room-settings.ts";

/** A signal on its way to readers: it is in no log, has no seq and may be lost. */
export type Signal =
  | { name: "hello"; data: HelloSignal }
  | { name: "ping"; data: PingSignal }
  | { name: "members"; data: MembersSignal }
  | { name: "typing"; data: TypingSignal }
  | { name: "room"; data: RoomSignal }
  | { name: "reset"; data: ResetSignal[] }
  | { name: "bye"; data: ByeSignal };
