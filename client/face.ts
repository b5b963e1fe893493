import type { Member, MembersSignal, RoomEvent } from "../protocol/event.ts";
import { type Conversation, type ConversationSession, unsentMessages } from "./core/conversation.ts";
import type { UnsentMessage } from "./core/sending/outbox.ts";
import type { Page } from "./page.ts";

/**
 * The log on the screen: lines in the order of their seq, and below them the reader's own unsent
 * messages.
 */
export type MessageList = {
  /** Shows an event unless it is shown already. Returns whether it is new. */
  add(event: RoomEvent): boolean;
  addOlder(events: RoomEvent[]): void;
  /** Removes all lines of the log. Unsent messages stay. */
  clear(): void;
  oldestSeq(): number | undefined;
  /** Whether the log shows the message with this client id. */
  has(id: string): boolean;
  /** Shows an unsent message, or its new state. */
  showUnsent(message: UnsentMessage): void;
  /** Turns an unsent message into the event of its receipt. */
  settle(event: RoomEvent): void;
  removeUnsent(id: string): void;
};

/**
 * The people on the screen, at most PEOPLE_SHOWN. The page has the list, and `enter` and `leave`
 * events keep it up to date.
 */
export type MemberList = {
  entered(member: Member): void;
  left(member: Member): void;
  /** Shows these people instead: the log that kept the list up to date cannot be continued. */
  replace(members: Member[]): void;
  /** Shows the server's count of members and of visitors. */
  count(figures: Pick<MembersSignal, "members" | "visitors">): void;
};

/** The part of the log that the reader sees. */
export type Scroll = {
  /**
   * Changes the log below what the reader sees, or above it. A reader at the newest line stays
   * there, and a reader of older lines is not moved. Returns whether the reader is at the newest
   * line.
   */
  keep(change: () => void, isAbove?: boolean): boolean;
  /** A new line has arrived. If the reader cannot see it, shows how many there are. */
  arrived(): void;
  toNewest(): void;
};

/** The parts of a page that show a conversation. */
export type Face = {
  page: Page;
  list: MessageList;
  members: MemberList;
  scroll: Scroll;
  /** Shows the newest page of the log in place of one that cannot be continued. */
  readAgain(): void;
  /** Announces a message that somebody else has just sent. */
  announce(event: RoomEvent): void;
};

/** Shows what a conversation reads and sends. */
export function draw(conversation: Conversation<ConversationSession>, face: Face): void {
  const { session, outbox } = conversation;
  const { list, members } = face;
  let isLive = false;
  session.on("status", ({ state }) => {
    isLive = state === "live";
  });
  session.on("members", members.count);
  session.on("reset", face.readAgain);
  session.on("event", (event) => drawEvent(face, event, isLive));
  const unsent = unsentMessages(conversation, list.has);
  for (let i = 0; i < unsent.length; i++) list.showUnsent(unsent[i] as UnsentMessage);
  outbox.emitter.on("changed", list.showUnsent);
  outbox.emitter.on("discarded", ({ id }) => list.removeUnsent(id));
  outbox.emitter.on("sent", ({ receipt }) => list.settle(receipt.event));
}

function drawEvent({ page, list, members, scroll, announce }: Face, event: RoomEvent, isLive: boolean): void {
  const { kind, member } = event;
  const isNew = list.add(event);
  if (kind === "enter") members.entered(member);
  if (kind === "leave") members.left(member);
  if (!isNew || kind !== "message" || member.id === page.me.id) return;
  scroll.arrived();
  // Messages that were missed are shown, but not read aloud line by line.
  if (isLive) announce(event);
}
