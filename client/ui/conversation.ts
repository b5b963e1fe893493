import type { RoomEvent } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import { createOutbox, type Outbox, type Remark } from "../core/outbox.ts";
import { createSession, type Session } from "../core/session.ts";
import { createLongPoll } from "../transports/long-poll.ts";
import { post, say } from "../transports/say.ts";
import { createSse } from "../transports/sse.ts";
import { browser, onWake, pageRttMs } from "./browser.ts";
import { remarkStore, textStore } from "./browser-store.ts";
import { createComposer } from "./composer.ts";
import { createConnectionLine } from "./connection-line.ts";
import { createMemberList } from "./member-list.ts";
import { createMessageList, type MessageList } from "./message-list.ts";
import { createNotices } from "./notices.ts";
import type { Page } from "./page.ts";
import { createPast } from "./past.ts";
import { createPresence } from "./presence.ts";
import { type Scroll, watchScroll } from "./scroll.ts";

/** Brings a room's page to life; returns what starts the connection. */
export function openConversation(page: Page): () => void {
  const session = sessionOf(page);
  const outbox = outboxOf(page);
  const scroll = watchScroll(page.words);
  const list = createMessageList(page, scroll, outbox);
  receive(page, session, outbox, list, scroll);
  const form = document.getElementById("say");
  if (form !== null) speak(page, form as HTMLFormElement, outbox, session, list, scroll);
  onWake((surely) => {
    session.wake(surely);
    outbox.wake();
  });
  return () => {
    session.start();
    if (page.present) outbox.start();
  };
}

function sessionOf(page: Page): Session {
  return createSession({
    outside: browser,
    room: page.room,
    rungs: rungsOf(page),
    cursor: page.cursor,
    seq: page.lastSeq,
    rttMs: pageRttMs(),
    hidden: () => document.hidden,
  });
}

function rungsOf({ address }: Page) {
  const poll = createLongPoll(address);
  return typeof EventSource === "undefined" ? [poll] : [createSse(address), poll];
}

function outboxOf(page: Page): Outbox {
  const store = remarkStore(textStore(`chattera:outbox:${page.room}:${page.me.id}`));
  return createOutbox(browser, store, (remark: Remark, done) => {
    say(page.address, page.room, remark).then(done, () => done({ again: true }));
  });
}

function receive(page: Page, session: Session, outbox: Outbox, list: MessageList, scroll: Scroll): void {
  const members = createMemberList(page.words);
  const notices = createNotices(page.words, page.me.nickname);
  const presence = createPresence(page);
  const past = createPast(page, list, (now) => {
    members.replace(now);
    presence.listed(now);
  });
  const connection = createConnectionLine(page.words);
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
    if (event.member.id === page.me.id) {
      presence.seen(event);
      if (event.id !== undefined) outbox.found(event.id);
    } else if (isNew && event.kind === "message") {
      scroll.arrived();
      // What was missed is shown, not read aloud line by line.
      if (live) notices.heard(event);
    }
  });
}

function speak(
  page: Page,
  form: HTMLFormElement,
  outbox: Outbox,
  session: Session,
  list: MessageList,
  scroll: Scroll,
): void {
  for (const remark of outbox.remarks()) list.showRemark(remark);
  outbox.on("changed", list.showRemark);
  outbox.on("discarded", (remark) => list.removeRemark(remark.id));
  outbox.on("sent", ({ receipt, rttMs }) => {
    list.settleRemark(receipt.event);
    session.expect(receipt.event.seq, rttMs);
  });
  session.on("status", (status) => status.state === "live" && outbox.wake());
  createComposer(form, page.words, textStore(`chattera:draft:${page.room}`), {
    say(text) {
      outbox.say(text);
      scroll.toNewest();
    },
    typing() {
      post(page.address, PATHS.typing(page.room), {}).catch(ignoreLoss);
    },
  });
}

// "is typing" is passing news: it may be lost.
function ignoreLoss(): void {}
