import type { Member, RoomEvent } from "../../protocol/event.ts";
import { isSaid } from "../../protocol/line.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { RoomSignal } from "../../protocol/room-settings.ts";
import type { Address } from "../core/base/address.ts";
import { type Conversation, createConversation, say, start, takeOver, wake } from "../core/conversation.ts";
import { createSession } from "../core/reading/session.ts";
import type { Transport } from "../core/reading/transport.ts";
import { changeMessage } from "../core/sending/change.ts";
import type { Keeper } from "../core/sending/keeper.ts";
import { handOver } from "../core/sending/outbox.ts";
import { act } from "../core/sending/send.ts";
import { environment } from "../environment.ts";
import { draw, type Face } from "../face.ts";
import { isHidden } from "../hidden.ts";
import { notIgnored } from "../ignored.ts";
import type { Page } from "../page.ts";
import { createScriptAsk } from "../transports/jsonp.ts";
import { placeWhispers } from "../whispers.ts";
import type { OldActs } from "./acts.ts";
import { watchAttention } from "./attention.ts";
import { type OldComposer, openComposer } from "./composer.ts";
import { createConnectionLine } from "./connection-line.ts";
import { attr, byId, hasClass, onClick, part, plainText, remove, show, spanOf } from "./dom.ts";
import { openEnterForm } from "./enter-form.ts";
import { createIframeStream } from "./iframe-stream.ts";
import { createIgnoredList } from "./ignored-list.ts";
import { watchIgnored } from "./ignored-store.ts";
import { json } from "./json.ts";
import { openJump } from "./jump.ts";
import { createMemberList } from "./member-list.ts";
import { createMessageList } from "./message-list.ts";
import { openMessageStore } from "./message-store.ts";
import { networkMemory } from "./network-memory.ts";
import { createNotices } from "./notices.ts";
import { readPage } from "./page.ts";
import { createPast } from "./past.ts";
import { showRoomState } from "./room-state.ts";
import { watchScroll } from "./scroll.ts";
import { http, ignoreAnswers, isForbidden } from "./xhr.ts";
import { createXhrStream } from "./xhr-stream.ts";

/** Brings a room's page to life. */
export function openConversation(root: PageElement): void {
  const page = readPage(root);
  const stream = streamOf(page.address);
  const keeper = openMessageStore(page, {
    found: (messages) => takeOver(conversation, messages, list.has),
    foundDraft: (draft) => acts.composer?.restore(draft) === true,
    lost: () => handOver(outbox),
  });
  const conversation = conversationOf(page, stream, keeper);
  const { session, sender, outbox } = conversation;
  const { words } = page;
  const scroll = watchScroll(words, page.isTurned);
  const attention = watchAttention();
  const acts: OldActs = { page, sender, composer: undefined };
  const list = createMessageList(acts, { scroll, attention }, conversation);
  const members = createMemberList(acts);
  const notices = createNotices(page, attention);
  const noteNew = (events: RoomEvent[]) => notices.noteNew(notIgnored(page.ignored, events));
  const readAgain = createPast(page, sender, { list, scroll, showMembers: members.replace, noteNew });
  const showRoom = (room: RoomSignal) => showRoomState(page, room);
  const face: Face = { page, list, members, scroll, showRoom, readAgain, announce: notices.announce, noteNew };
  session.on("event", (event) => acts.composer?.withdraw(event));
  session.on("status", createConnectionLine(page, stream !== undefined));
  const empty = byId("empty-room");
  if (empty !== undefined) session.on("event", ({ kind }) => isSaid(kind) && remove(empty));
  draw(conversation, face);
  const form = byId("enter");
  if (form === undefined) acts.composer = speak(conversation, face);
  else {
    const entered = (member: Member) => {
      become(face, member, form);
      acts.composer = speak(conversation, face);
      // The server has opened the current connections for a visitor.
      session.wake(true);
    };
    openEnterForm(form, { page, sender, entered });
  }
  outbox.emitter.on("edited", ({ text }) => acts.composer?.write(text));
  scroll.toNewest();
  openJump(page, sender, { list, scroll });
  start(conversation);
  keeper.open();
  const leave = () => {
    // [Chromium 64] Aborts the requests of a page that is left, which must not be blamed on the
    // network.
    ignoreAnswers(true);
    keeper.saveDraft(acts.composer ? acts.composer.draft() : "");
    keeper.sleep();
  };
  const comeBack = () => {
    ignoreAnswers(false);
    wake(conversation, true);
    keeper.open();
  };
  watchPage({ leave, comeBack });
  createIgnoredList(page, part("members"));
  watchIgnored(page.ignored);
  closeHelp();
  window.ononline = () => wake(conversation, true);
}

/** Notices that the page is left, and that it comes back from the browser's cache. */
function watchPage({ leave, comeBack }: { leave(): void; comeBack(): void }): void {
  const hasPageHide: boolean = "onpagehide" in window;
  // [IE10] It has only the other one, which would keep pages out of the cache of other browsers.
  if (hasPageHide) window.onpagehide = leave;
  else window.onunload = leave;
  // [Firefox 3] A page that comes back from the browser's cache has lost its connections.
  window.onpageshow = ({ persisted }) => {
    if (persisted) comeBack();
  };
}

function conversationOf(page: Page, stream: Transport | undefined, { store }: Keeper): Conversation {
  const { address, room, cursor, lastSeq, lastWhisper, places, network } = page;
  return createConversation({
    environment,
    http,
    script: createScriptAsk(json),
    address,
    position: { room, cursor, seq: lastSeq, whispers: lastWhisper },
    streams: stream === undefined ? [] : [stream],
    store,
    rttMs: 0,
    hidden: isHidden,
    memory: networkMemory(network),
    openSession: (options) => placeWhispers(createSession(options), places),
  });
}

// [IE10] Its XMLHttpRequest is the first one in Internet Explorer that shows what has come so far.
function streamOf(address: Address): Transport | undefined {
  const isOld = typeof ActiveXObject !== "undefined" && (document.documentMode || 0) < 10;
  return isOld ? createIframeStream(address) : createXhrStream(address);
}

/** Turns the visitor's page into the member's, as the server writes it. */
function become({ page, scroll }: Face, member: Member, form: PageElement): void {
  page.me = member;
  page.present = true;
  const box = form.parentNode as PageElement;
  const forms = box.insertBefore(document.createElement("div"), form);
  forms.innerHTML = attr(form, "data-entered");
  remove(form);
  const bar = document.getElementsByTagName("nav")[0];
  if (bar) bar.insertBefore(forms.getElementsByTagName("form")[0] as PageElement, bar.firstChild);
  scroll.toNewest();
}

/** Brings the forms of a member to life. Returns the one in which messages are written. */
function speak(conversation: Conversation, { page, scroll }: Face): OldComposer | undefined {
  const { words, room } = page;
  let composer: OldComposer | undefined;
  const forms = document.getElementsByTagName("form");
  for (let i = 0; i < forms.length; i++) {
    const form = forms[i] as PageElement;
    if (form.className === "leave") openLeaveForm(form, page, conversation);
    if (form.className === "say") {
      composer = openComposer(form, {
        words,
        // Without requests, and without a token for scripts, only the form itself can prove who
        // speaks, by the cookie.
        isPlain: () => page.address.token === undefined && isForbidden(),
        say(text, reply) {
          say(conversation, text, reply);
          scroll.toNewest();
        },
        edit: (seq, text, done) =>
          changeMessage(conversation.sender, { room, seq, text }, (outcome) =>
            done("refused" in outcome ? words.refusals[outcome.refused] || words.notChanged : undefined),
          ),
        ownTexts: () => ownTexts(page),
      });
    }
  }
  return composer;
}

/** Returns the texts of one's own messages, the last one first. */
function ownTexts({ isTurned }: Page): string[] {
  const texts: string[] = [];
  const lines = part("log").getElementsByTagName("li");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[isTurned ? i : lines.length - 1 - i] as PageElement;
    const isKept = hasClass(line, "own") && !hasClass(line, "erased") && !hasClass(line, "whisper");
    const text = isKept ? spanOf(line, "text") : undefined;
    if (text) texts.push(plainText(text));
  }
  return texts;
}

/** Hides the help until it is asked for. */
function closeHelp(): void {
  const help = part("help");
  const button = help.getElementsByTagName("button")[0];
  if (button === undefined) return;
  show(help, false);
  onClick(button, () => show(help, false));
}

function openLeaveForm(form: PageElement, { room, address }: Page, { sender }: Conversation): void {
  // With a cookie, the form itself proves who leaves, even after a message has fetched a token for
  // GET.
  if (address.token === undefined) return;
  form.onsubmit = () => {
    act(sender, PATHS.leave(room), () => {
      location.href = address.base + PATHS.lobby;
    });
    return false;
  };
}
