import type { Member, MembersSignal, RoomEvent } from "../protocol/event.ts";
import { isSaid } from "../protocol/line.ts";
import type { RoomSignal } from "../protocol/room-settings.ts";
import { arrive, createArrivals, dropArrivals } from "./arrivals.ts";
import { become } from "./become.ts";
import { type Conversation, type ConversationSession, unsentMessages } from "./core/conversation.ts";
import type { HistoryPage } from "./core/history.ts";
import type { UnsentMessage } from "./core/sending/outbox.ts";
import { ignores } from "./ignored.ts";
import type { Page } from "./page.ts";
import { followSilentMoves } from "./silent-moves.ts";
import { placed } from "./whispers.ts";

/**
 * The log on the screen: lines in the order of their seq, and below them the reader's own unsent
 * messages.
 */
export type MessageList = {
  /** The most messages that it would keep now. */
  most(): number;
  /**
   * Shows events as one change, oldest first: as lines, or by changing the lines that they are
   * about. Returns those that were not known before.
   */
  add(events: RoomEvent[]): RoomEvent[];
  addOlder(older: HistoryPage): void;
  /** Shows a page of history that may be apart from the rest, with a link to what is missing. */
  addApart(page: HistoryPage): void;
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
 * The people on the screen, at most PEOPLE_SHOWN. The page has the list, and `enter`, `leave` and
 * `rename` events keep it up to date.
 */
export type MemberList = {
  entered(member: Member): void;
  left(member: Member): void;
  /**
   * Shows a member under a new name, or in a new color, in its place. A member that is not in the
   * list is added, unless its name `isErased`: it may have left.
   */
  renamed(member: Member, isErased?: boolean): void;
  /** Shows these people instead: the log that kept the list up to date cannot be continued. */
  replace(members: Member[]): void;
  /** Returns how many are shown. */
  shown(): number;
  /** Shows the server's count of members and of visitors. */
  count(figures: Pick<MembersSignal, "members" | "visitors">): void;
};

/** The part of the log that the reader sees. */
export type Scroll = {
  isAtNewest(): boolean;
  /**
   * Changes the log below what the reader sees, or also above it. A reader at the newest line stays
   * there, and a reader of older lines is not moved.
   */
  keep(change: () => void, isAbove?: boolean): void;
  /** New lines have arrived. If the reader cannot see them, shows how many there are. */
  arrived(count: number): void;
  toNewest(): void;
};

/** The parts of a page that show a conversation. */
export type Face = {
  page: Page;
  list: MessageList;
  members: MemberList;
  scroll: Scroll;
  /** Shows what the room says about itself, which has changed. */
  showRoom(room: RoomSignal): void;
  /** Shows the newest page of the log in place of one that cannot be continued. */
  readAgain(): void;
  /** Notes events in the title. Some may be known. */
  noteNew(events: RoomEvent[]): void;
  /** Announces what others have just done. */
  announce(events: RoomEvent[]): void;
};

/** Shows what a conversation reads and sends. */
export function draw(conversation: Conversation<ConversationSession>, face: Face): void {
  const { session, outbox, sender } = conversation;
  const { list, members } = face;
  const arrivals = createArrivals(sender.environment, {
    most: list.most,
    show: (events, live) => show(face, events, live),
    note(events) {
      movePeople(members, events);
      face.noteNew(events);
    },
  });
  let isLive = false;
  session.on("status", ({ state }) => {
    isLive = state === "live";
  });
  session.on("members", members.count);
  session.on("room", face.showRoom);
  if (face.page.allowsSilence) {
    const follow = followSilentMoves(sender, face.page.room, members);
    session.on("members", (now) => follow(now.members));
  }
  session.on("reset", () => {
    dropArrivals(arrivals);
    face.readAgain();
  });
  session.on("event", (event) => {
    if (event.kind === "rename" && event.member.id === face.page.me.id) become(face.page, event.member);
    arrive(arrivals, event, isLive);
  });
  const unsent = unsentMessages(conversation, list.has);
  for (let i = 0; i < unsent.length; i++) list.showUnsent(unsent[i] as UnsentMessage);
  outbox.emitter.on("changed", list.showUnsent);
  outbox.emitter.on("discarded", ({ id }) => list.removeUnsent(id));
  outbox.emitter.on("sent", ({ message, receipt }) => {
    const event = placed(face.page.places, receipt.event);
    // A whisper that was read in the log has its line already.
    if (event) list.settle(event);
    else list.removeUnsent(message.id);
  });
}

// Messages, notices and whispers that were missed are shown, but not read aloud.
function show({ page, list, scroll, announce }: Face, events: RoomEvent[], live: RoomEvent[]): void {
  const others = ofOthers(page, list.add(events));
  let added = 0;
  for (let i = 0; i < others.length; i++) if (isSaid((others[i] as RoomEvent).kind)) added++;
  if (added > 0) scroll.arrived(added);
  const happened = ofOthers(page, live, true);
  if (happened.length > 0) announce(happened);
}

/** Returns the events of others. With `results`, also the notices that the reader has caused. */
function ofOthers({ me, ignored }: Page, events: RoomEvent[], results = false): RoomEvent[] {
  const others: RoomEvent[] = [];
  for (let i = 0; i < events.length; i++) {
    const event = events[i] as RoomEvent;
    const { kind, member } = event;
    if (member.id === me.id ? results && kind === "notice" : !ignores(ignored, member)) others.push(event);
  }
  return others;
}

/** Only the last event of each person matters. */
function movePeople(members: MemberList, events: RoomEvent[]): void {
  const moved: { [id: string]: boolean } = {};
  const last: RoomEvent[] = [];
  for (let i = events.length - 1; i >= 0; i--) {
    const event = events[i] as RoomEvent;
    const { kind, member } = event;
    if ((kind !== "enter" && kind !== "leave" && kind !== "rename") || moved[member.id] === true) continue;
    moved[member.id] = true;
    last.push(event);
  }
  for (let i = last.length - 1; i >= 0; i--) {
    const { kind, member } = last[i] as RoomEvent;
    if (kind === "enter") members.entered(member);
    else if (kind === "rename") members.renamed(member);
    else members.left(member);
  }
  for (let i = 0; i < events.length; i++) {
    const { kind, member } = events[i] as RoomEvent;
    if (kind === "unname") members.renamed(member, true);
  }
}
