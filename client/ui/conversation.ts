import type { RoomEvent } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import { createConfirm } from "../core/reading/confirm.ts";
import { createPoll } from "../core/reading/poll.ts";
import { createOutbox, type Outbox } from "../core/sending/outbox.ts";
import { createSender, type Sender } from "../core/sending/send.ts";
import { ticketed, useTickets } from "../core/sending/tickets.ts";
import { createSharedSession, type SharedSession } from "../tabs/shared-session.ts";
import { http } from "../transports/fetch.ts";
import { createSse } from "../transports/sse.ts";
import { createStream } from "../transports/stream.ts";
import { browser, onSleep, onWake, pageRttMs, watchHiding } from "./browser.ts";
import { tabStore } from "./browser-store.ts";
import { createComposer } from "./composer.ts";
import { createConnectionLine } from "./connection-line.ts";
import { forgetSession } from "./kept-session.ts";
import { createMemberList } from "./member-list.ts";
import { createMessageList, type MessageList } from "./message-list.ts";
import { remarkStore } from "./message-store.ts";
import { networkMemory } from "./network-memory.ts";
import { createNotices } from "./notices.ts";
import type { Page } from "./page.ts";
import { createPast } from "./past.ts";
import { createPresence } from "./presence.ts";
import { type Scroll, watchScroll } from "./scroll.ts";
import { openChannel } from "./tab-channel.ts";

/** What a message is refused for where its writer has to enter anew. */
const STRANGER = ["no_session", "nickname_taken"];

type Conversation = {
  page: Page;
  session: SharedSession;
  sender: Sender;
  outbox: Outbox;
  list: MessageList;
  scroll: Scroll;
};

/** Brings a room's page to life; returns what starts the connection. */
export function openConversation(page: Page): () => void {
  const session = sessionOf(page);
  useTickets(browser, http, page.address);
  const sender = createSender(browser, http, page.address);
  const outbox = outboxOf(page, session, sender);
  const scroll = watchScroll(page.words);
  const list = createMessageList(page, scroll, outbox);
  const conversation: Conversation = { page, session, sender, outbox, list, scroll };
  receive(conversation);
  showUnsent(conversation);
  const form = document.getElementById("say");
  if (form !== null) speak(conversation, form as HTMLFormElement);
  return () => {
    session.start();
    if (page.present) outbox.start();
    onWake((connectionsAreDead) => {
      session.wake(connectionsAreDead);
      outbox.wake();
    });
    onSleep(session.leave, () => {
      session.start();
      outbox.wake();
    });
  };
}

function sessionOf(page: Page): SharedSession {
  const { address, me } = page;
  const hiddenMs = watchHiding();
  const stream = ticketed(address, createStream(address));
  return createSharedSession({
    environment: browser,
    place: { room: page.room, cursor: page.cursor, seq: page.lastSeq },
    // Whose connection it is tells the server who is here: only tabs of the same reader share one. The figure grows when
    // tabs with an older script could not understand the newer ones.
    openChannel: () => openChannel(`chattera:tabs1:${address.base}:${me.id}`),
    locks: navigator.locks,
    streams: typeof EventSource === "undefined" ? [stream] : [ticketed(address, createSse(address)), stream],
    confirm: createConfirm(browser, http, address),
    polls: [ticketed(address, createPoll(http, address))],
    rttMs: pageRttMs(),
    hidden: () => document.hidden,
    hiddenMs,
    memory: networkMemory(page.network),
  });
}

function outboxOf(page: Page, session: SharedSession, sender: Sender): Outbox {
  return createOutbox(browser, remarkStore(page), (remark, done) => {
    session.sending(true);
    sender.say(page.room, remark, (outcome) => {
      session.sending(false);
      done(outcome);
      if ("refused" in outcome && STRANGER.includes(outcome.refused)) enterAnew(page);
    });
  });
}

// The session that this tab keeps is not good any more, or never got into the room: the page is a visitor's again, and
// the message is in it.
function enterAnew({ address }: Page): void {
  if (!forgetSession(address.base)) return;
  location.reload();
}

function receive({ page, session, sender, outbox, list, scroll }: Conversation): void {
  const members = createMemberList(page.words);
  const notices = createNotices(page.words, page.me.nickname);
  const presence = createPresence(page, sender);
  const past = createPast(page, list, (now) => {
    members.replace(now);
    presence.listed(now);
  });
  const connection = createConnectionLine(page);
  let live = false;

  session.on("status", (status) => {
    live = status.state === "live";
    connection.show(status);
  });
  session.on("members", members.count);
  session.on("typing", notices.typing);
  session.on("reset", past.readAnew);
  session.on("event", (event: RoomEvent) => {
    const isNew = list.add(event);
    if (event.kind === "enter") members.entered(event.member);
    if (event.kind === "leave") members.left(event.member);
    // also where the server has lost the writer's cookie meanwhile: nobody else knows this id before it is in the log
    if (event.id !== undefined) outbox.found(event.id);
    if (event.member.id === page.me.id) presence.seen(event);
    else if (isNew && event.kind === "message") {
      scroll.arrived();
      // What was missed is shown, not read aloud line by line.
      if (live) notices.heard(event);
    }
  });
}

/** What an earlier page has left, but for what its log shows already. */
function showUnsent({ outbox, list }: Conversation): void {
  for (const remark of outbox.remarks()) {
    if (list.has(remark.id)) outbox.found(remark.id);
    else list.showRemark(remark);
  }
  outbox.on("changed", list.showRemark);
  outbox.on("discarded", (remark) => list.removeRemark(remark.id));
}

function speak({ page, session, sender, outbox, list, scroll }: Conversation, form: HTMLFormElement): void {
  outbox.on("sent", ({ receipt, rttMs }) => {
    list.settleRemark(receipt.event);
    session.expect(page.room, receipt.event.seq, rttMs);
  });
  session.on("status", (status) => status.state === "live" && outbox.wake());
  createComposer(form, page.words, tabStore(`chattera:draft:${page.room}`), {
    say(text) {
      outbox.say(text);
      scroll.toNewest();
    },
    typing: () => sender.act(PATHS.typing(page.room), ignoreLoss),
  });
}

// "is typing" is passing news: it may be lost.
function ignoreLoss(): void {}
