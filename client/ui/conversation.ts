import type { RoomEvent } from "../../protocol/event.ts";
import {
  type Conversation,
  createConversation,
  hold,
  release,
  start,
  stopSending,
  takeOver,
  wake,
} from "../core/conversation.ts";
import type { Keeper } from "../core/sending/keeper.ts";
import { handOver } from "../core/sending/outbox.ts";
import { environment } from "../environment.ts";
import { draw } from "../face.ts";
import { isHidden } from "../hidden.ts";
import { notIgnored } from "../ignored.ts";
import type { Page } from "../page.ts";
import { createSharedSession, type SharedSession } from "../tabs/shared-session.ts";
import { http } from "../transports/fetch.ts";
import { createSse } from "../transports/sse.ts";
import { createStream } from "../transports/stream.ts";
import { placeWhispers } from "../whispers.ts";
import { openActs } from "./acts.ts";
import { onSleep, onWake, optional, pageRttMs, watchHiding } from "./browser.ts";
import { openChoices } from "./choices.ts";
import type { Composer } from "./composer.ts";
import { createConnectionLine } from "./connection-line.ts";
import { formatCopies } from "./copying.ts";
import { createJump } from "./jump.ts";
import { forgetSession } from "./kept-session.ts";
import { createMemberList } from "./member-list.ts";
import { createMessageList } from "./message-list.ts";
import { openMessageStore } from "./message-store.ts";
import { networkMemory } from "./network-memory.ts";
import { createNotices } from "./notices.ts";
import { part } from "./part.ts";
import { createPast } from "./past.ts";
import { createPresence } from "./presence.ts";
import { createRenewal, type Renewal } from "./renewal.ts";
import { createRoomState } from "./room-state.ts";
import { watchScroll } from "./scroll.ts";
import { createSearch } from "./search.ts";
import { openSettings } from "./settings.ts";
import { openChannel } from "./tab-channel.ts";

/** The codes of refusals after which the author has to enter again. */
const STRANGER = ["no_session", "nickname_taken"];

/** A conversation on the page. `close` ends it for good. */
export type OpenConversation = { start(): void; close(): void };

/** Brings a room's page to life. */
export function openConversation(page: Page): OpenConversation {
  let composer: Composer | undefined;
  const keeper = openMessageStore(page, {
    found: (messages) => takeOver(conversation, messages, list.has),
    foundDraft: (draft) => composer?.restore(draft) === true,
    lost: () => handOver(outbox),
  });
  const renewal = createRenewal(page.words);
  const conversation = conversationOf(page, keeper, renewal);
  const { session, sender, outbox } = conversation;
  const scroll = watchScroll(page.words);
  const list = createMessageList(page, scroll, conversation);
  const members = createMemberList(page);
  const choices = openChoices(page.address.base);
  const notices = createNotices(page, choices);
  const showRoom = createRoomState(page, scroll);
  const noteNew = (events: RoomEvent[]) => notices.noteNew(notIgnored(page.ignored, events));
  openSettings(page, { choices, bell: notices.bell, list });
  const presence = createPresence(page, sender);
  const readAgain = createPast(page, sender, {
    list,
    scroll,
    noteNew,
    showMembers(now) {
      members.replace(now);
      presence.listed(now);
    },
  });
  session.on("status", createConnectionLine(page).show);
  draw(conversation, { page, list, members, scroll, showRoom, readAgain, noteNew, announce: notices.announce });
  session.on("typing", (typing) => notices.typing({ ...typing, nicknames: typing.nicknames.filter(members.shows) }));
  // Not with the lines: timers of a hidden page may run once a minute only.
  session.on("event", (event) => noteNew([event]));
  session.on("event", notices.withdraw);
  formatCopies(part("log"));
  session.on("event", (event) => event.member.id === page.me.id && presence.seen(event));
  outbox.emitter.on("changed", ({ state, code = "" }) => {
    if (state === "refused" && STRANGER.includes(code)) enterAgain(page);
  });
  composer = openActs(page, { conversation, scroll, keeper });
  const field = document.querySelector<HTMLTextAreaElement>("#say textarea");
  renewal.askWhen(() => outbox.messages.length === 0 && !field?.value, scroll);
  outbox.emitter.on("edited", ({ text }) => composer?.write(text));
  const search = createSearch(page, (at) => jump.toMoment(at));
  const jump = createJump(page, sender, { list, scroll, jumped: search.close });
  // Shown at once, and sent when the page has loaded.
  hold(conversation);
  keeper.open();
  const sleep = () => {
    session.leave();
    keeper.sleep();
  };
  let isOpen = true;
  const go = () => {
    if (!isOpen) return;
    start(conversation);
    release(conversation);
    keeper.open();
  };
  return {
    start() {
      go();
      onWake((connectionsAreDead) => isOpen && wake(conversation, connectionsAreDead));
      onSleep(sleep, go);
    },
    close() {
      isOpen = false;
      notices.close();
      sleep();
      stopSending(conversation);
    },
  };
}

function conversationOf(page: Page, { store }: Keeper, { watch }: Renewal): Conversation<SharedSession> {
  const { address, me, room, cursor, lastSeq, lastWhisper, places } = page;
  const hiddenMs = watchHiding();
  const stream = createStream(address);
  return createConversation({
    environment,
    http,
    address,
    position: { room, cursor, seq: lastSeq, whispers: lastWhisper },
    streams: optional(() => EventSource) ? [createSse(address), stream] : [stream],
    store,
    rttMs: pageRttMs(),
    hidden: isHidden,
    memory: networkMemory(page.network),
    openSession: (options) =>
      placeWhispers(
        createSharedSession({
          ...options,
          streams: options.streams.map(watch),
          polls: options.polls.map(watch),
          // The server knows by the connection who is here, so only tabs of the same reader share
          // one. The number grows when tabs with an older script could not understand the newer
          // ones.
          openChannel: () => openChannel(`chattera:tabs1:${address.base}:${me.id}`),
          locks: optional(() => navigator.locks),
          hiddenMs,
        }),
        places,
      ),
  });
}

// The session that this tab keeps is no longer valid, or never got into the room: the page becomes
// a visitor's again, and shows the message.
function enterAgain({ address }: Page): void {
  if (forgetSession(address.base)) location.reload();
}
