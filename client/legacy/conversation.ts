import type { Member, RoomEvent } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Known } from "../core/network/known.ts";
import { createConfirm } from "../core/reading/confirm.ts";
import { createPoll } from "../core/reading/poll.ts";
import { createSession, type Session } from "../core/reading/session.ts";
import type { Transport } from "../core/reading/transport.ts";
import type { Address } from "../core/reading/url.ts";
import { createOutbox, type Outbox, type Remark } from "../core/sending/outbox.ts";
import { createSender, type Sender } from "../core/sending/send.ts";
import { ticketed, useTickets } from "../core/sending/tickets.ts";
import { createScriptAsk } from "../transports/jsonp.ts";
import { browser, http } from "./browser.ts";
import { openComposer } from "./composer.ts";
import { createConnection } from "./connection-line.ts";
import { attr, byId, part, remove } from "./dom.ts";
import { openEnterForm } from "./enter-form.ts";
import { createFrame } from "./frame.ts";
import { json } from "./json.ts";
import { createMembers } from "./member-list.ts";
import { createLog, type Log } from "./message-list.ts";
import { createNotices } from "./notices.ts";
import { type Page, readPage } from "./page.ts";
import { createPast } from "./past.ts";
import { type Scroll, watchScroll } from "./scroll.ts";
import { createStore } from "./store.ts";
import { createRequest, ignoreAnswers } from "./xhr.ts";
import { createXhrStream } from "./xhr-stream.ts";

const scriptAsk = createScriptAsk(json);

type Room = { page: Page; session: Session; sender: Sender; outbox: Outbox; log: Log; scroll: Scroll };

/** Brings a room's page to life. */
export function openRoom(root: PageElement): void {
  const page = readPage(root, part("log"));
  const stream = streamOf(page.address);
  const session = sessionOf(page, stream);
  useTickets(browser, http, page.address);
  const sender = createSender(browser, http, page.address, scriptAsk);
  const outbox = outboxOf(page, session, sender);
  const scroll = watchScroll(page.words);
  const log = createLog(page, scroll, outbox);
  const room: Room = { page, session, sender, outbox, log, scroll };
  session.on("status", createConnection(page, stream !== undefined));
  receive(room);
  showUnsent(room);
  const form = byId("enter");
  if (form === undefined) speak(room);
  else openEnterForm(form, page, sender, (member) => become(room, member, form));
  scroll.toNewest();
  session.start();
  if (page.present) outbox.start();
  window.ononline = () => wake(room);
  // [Chromium 64] Aborts the requests of a page that is left. The page would take that for the network's fault.
  window.onpagehide = () => ignoreAnswers(true);
  // [Firefox 3] A page that comes back from the browser's cache has lost its connections.
  window.onpageshow = ({ persisted }) => {
    ignoreAnswers(false);
    if (persisted) wake(room);
  };
}

function sessionOf({ address, room, cursor, lastSeq, network }: Page, stream: Transport | undefined): Session {
  const store = createStore("localStorage");
  return createSession({
    environment: browser,
    rooms: [{ room, cursor, seq: lastSeq }],
    streams: stream === undefined ? [] : [ticketed(address, stream)],
    confirm: createConfirm(browser, http, address),
    polls: [ticketed(address, createPoll(http, address)), createPoll(http, address, "jsonp", scriptAsk)],
    rttMs: 0,
    hidden: () => document.hidden === true,
    memory: {
      load() {
        const learnt = store.load("network") as { network: string; known: Known } | undefined;
        return learnt?.network === network ? learnt.known : undefined;
      },
      save: (known) => store.save("network", { network, known }),
    },
  });
}

// [IE10] its XMLHttpRequest is the first of Internet Explorer's that shows what has come so far
function streamOf(address: Address): Transport | undefined {
  const isOld = typeof ActiveXObject !== "undefined" && (document.documentMode ?? 0) < 10;
  return isOld ? createFrame(address) : createXhrStream(address);
}

/** Unsent messages and under which nickname they were written: under another nothing is sent that was not said under it. */
type Left = { nickname: string; remarks: Remark[] };

function outboxOf(page: Page, session: Session, sender: Sender): Outbox {
  const store = createStore("sessionStorage");
  const name = `outbox_${page.room}`;
  const kept = {
    load() {
      const { nickname, remarks } = (store.load(name) ?? { remarks: [] }) as Left;
      if (page.present && nickname === page.me.nickname) return remarks;
      for (let i = 0; i < remarks.length; i++) {
        (remarks[i] as Remark).state = "refused";
        (remarks[i] as Remark).code = "no_session";
      }
      return remarks;
    },
    save: (remarks: Remark[]) => store.save(name, { nickname: page.me.nickname, remarks }),
  };
  return createOutbox(browser, kept, (remark, done) => {
    session.sending(true);
    sender.say(page.room, remark, (outcome) => {
      session.sending(false);
      done(outcome);
    });
  });
}

function receive({ page, session, outbox, log, scroll }: Room): void {
  const members = createMembers(page.words);
  const heard = createNotices();
  let isLive = false;

  session.on("status", ({ state }) => {
    isLive = state === "live";
    if (isLive) outbox.wake();
  });
  session.on("members", members.count);
  session.on("reset", createPast(page, log, members.replace));
  session.on("event", (event: RoomEvent) => {
    const isNew = log.add([event], false);
    const { kind, member } = event;
    if (kind === "enter") members.entered(member);
    if (kind === "leave") members.left(member);
    if (event.id !== undefined) outbox.found(event.id);
    if (member.id === page.me.id) return;
    if (!isNew || kind !== "message") return;
    scroll.arrived();
    // What was missed is shown, not read aloud line by line.
    if (isLive) heard(event);
  });
}

/** What an earlier page has left, but for what its log shows already. */
function showUnsent({ outbox, log }: Room): void {
  const remarks = outbox.remarks();
  for (let i = 0; i < remarks.length; i++) {
    const remark = remarks[i] as Remark;
    if (log.has(remark.id)) outbox.found(remark.id);
    else log.showRemark(remark);
  }
  outbox.on("changed", log.showRemark);
  outbox.on("discarded", ({ id }) => log.removeRemark(id));
}

/** Turns the visitor's page into the member's, as the server writes it. */
function become(room: Room, member: Member, form: PageElement): void {
  const { page, session } = room;
  page.me = member;
  page.present = true;
  const box = form.parentNode as PageElement;
  const forms = box.insertBefore(document.createElement("div"), form);
  forms.innerHTML = attr(form, "data-entered");
  remove(form);
  const bar = document.getElementsByTagName("nav")[0];
  bar?.insertBefore(forms.getElementsByTagName("form")[0] as PageElement, bar.firstChild);
  room.scroll.toNewest();
  speak(room);
  // what is open is a visitor's
  session.wake(true);
}

/** The forms of who has entered. */
function speak({ page, session, sender, outbox, log, scroll }: Room): void {
  outbox.on("sent", ({ receipt, rttMs }) => {
    log.add([receipt.event], false);
    session.expect(page.room, receipt.event.seq, rttMs);
  });
  // without requests, and without a token for scripts, only the form itself can say who speaks: by the cookie
  const canSay = page.address.token !== undefined || createRequest() !== undefined;
  const forms = document.getElementsByTagName("form");
  for (let i = 0; i < forms.length; i++) {
    const form = forms[i] as PageElement;
    if (form.className === "leave") openLeaveForm(form, page, sender);
    if (form.className === "say" && canSay) {
      openComposer(form, (text) => {
        outbox.say(text);
        scroll.toNewest();
      });
    }
  }
}

function openLeaveForm(form: PageElement, { room, address }: Page, sender: Sender): void {
  // by the cookie the form says itself who leaves, also after a message has gone by GET and fetched its token
  if (address.token === undefined) return;
  form.onsubmit = () => {
    sender.act(PATHS.leave(room), () => {
      location.href = address.base + PATHS.lobby;
    });
    return false;
  };
}

function wake({ session, outbox }: Room): void {
  session.wake(true);
  outbox.wake();
}
