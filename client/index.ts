import { connectBy } from "./connect.ts";
import type { ConnectOptions, RoomHandle } from "./handle.ts";
import { openConnections } from "./node/connections.ts";

export type { ErrorCode } from "../protocol/error-code.ts";
export type {
  EventKind,
  Member,
  MembersSignal,
  ResetSignal,
  RoomEdit,
  RoomErase,
  RoomEvent,
  RoomMessage,
  RoomMove,
  RoomNotice,
  RoomRename,
  TypingSignal,
} from "../protocol/event.ts";
export type { HistoryPage } from "./core/history.ts";
export type { SessionStatus } from "./core/reading/state.ts";
export type {
  AbortLike,
  ConnectOptions,
  HandleEvents,
  HandleStatus,
  Refused,
  RefusedCode,
  RoomHandle,
  SendOptions,
} from "./handle.ts";
// biome-ignore lint/performance/noBarrelFile: This is an entry of the package.
export { RefusedError } from "./handle.ts";

/**
 * Follows a room of the chattera site at `url`, base path included, in a browser or in Node. Throws
 * a TypeError if that is no address of the web.
 */
export function connect(url: string, options: ConnectOptions): RoomHandle {
  return connectBy(openConnections, url, options);
}
