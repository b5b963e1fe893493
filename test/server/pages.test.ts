import { describe, expect, test } from "@jest/globals";
import type { Member, RoomEvent } from "../../protocol/event.ts";
import type { RoomSignal } from "../../protocol/room-settings.ts";
import { chooseLanguage, type Language } from "../../server/pages/language.ts";
import type { PageLayout } from "../../server/pages/layout.ts";
import { renderLobby } from "../../server/pages/lobby.ts";
import { renderRefused } from "../../server/pages/refused.ts";
import { type RoomView, renderRoom } from "../../server/pages/room.ts";
import { en } from "../../server/pages/words/en.ts";
import { ja } from "../../server/pages/words/ja.ts";
import { REFUSALS } from "../../server/refusal.ts";

const CODES = [...Object.keys(REFUSALS), "too_many_network", "too_many_room", "needs_cookie", "needs_window"];

const ann: Member = { id: "m1", nickname: "花子", color: "#b3261e", trip: "◆abc" };
const mallory: Member = { id: "m2", nickname: `<img src=x onerror="alert(1)">`, color: `"><script>` };

function layout(changes: Partial<PageLayout> = {}): PageLayout {
  const assets = {
    script: "/assets/main.js",
    style: "/assets/main.css",
    legacyScript: "/assets/legacy.js",
    legacyStyle: "/assets/legacy.css",
    themeStyle: undefined,
    icon: "/assets/icon.svg",
    unreadIcon: "/assets/unread.svg",
    view: { isNewestOnTop: false, lines: 0 },
    toolStyle: "/assets/tools.css",
    touchIcon: "/assets/touch.png",
    largeIcon: "/assets/large.png",
  };
  return {
    language: "en",
    scheme: undefined,
    site: { name: "chattera", description: undefined, rules: undefined },
    origin: "http://chat.example",
    isHiddenFromSearch: false,
    paper: { light: "#f6f0e4", dark: "#191613" },
    timeZone: "UTC",
    canOpen: true,
    basePath: "/chat",
    here: "/rooms/lobby",
    editMinutes: 15,
    formToken: "proof",
    network: "net12345",
    ...assets,
    ...changes,
  };
}

function event(seq: number, changes: Partial<RoomEvent> = {}): RoomEvent {
  return {
    room: "lobby",
    seq,
    kind: "message",
    member: ann,
    at: "2026-11-22T12:34:56Z",
    text: `message ${seq}`,
    ...changes,
  } as RoomEvent;
}

const LOBBY = { slug: "lobby", title: "Lobby", isPublic: true, allowsSilence: false };

const LOBBY_NOW: RoomSignal = {
  room: "lobby",
  title: "Lobby",
  description: "",
  pinned: "",
  locked: false,
  slowSeconds: 0,
  raid: false,
  newcomerSeconds: 0,
  links: true,
  mayRead: "everyone",
  mayEnter: "everyone",
  maySpeak: "everyone",
  password: false,
  listed: true,
  silentEntry: false,
};

function room(changes: Partial<RoomView> = {}): RoomView {
  return {
    room: LOBBY,
    ownRooms: [],
    events: [event(1), event(2)],
    members: [ann],
    memberCount: 1,
    visitors: 3,
    now: LOBBY_NOW,
    cursor: "k3x9.1-2",
    hasOlder: false,
    present: true,
    clientId: "client-id-1",
    ...changes,
  };
}

function forms(page: string): string[] {
  return page.match(/<form[\s\S]*?<\/form>/g) ?? [];
}

describe("the pages", () => {
  test("a room's page has the documented hooks", () => {
    const page = renderRoom(layout({ member: ann }), room());
    expect(page.startsWith("<!doctype html>")).toBe(true);
    expect(page).toContain('<ol id="log"');
    expect(page).toMatch(/data-seq="1"[^>]*>.*class="nickname">花子<.*class="text">message 1</);
    expect(page).toMatch(/<form id="say"[\s\S]*name="id" value="client-id-1"[\s\S]*<textarea[^>]* name="text"/);
    expect(page).toMatch(/id="connection"[^>]* data-state="[^"]*" data-transport="page"/);
    expect(page).toMatch(/<ul id="members"[\s\S]*花子[\s\S]*<\/ul>/);
    expect(page).toContain('data-cursor="k3x9.1-2"');
  });

  test("a visitor may read, and has a form for a nickname instead of a message", () => {
    const page = renderRoom(layout(), room({ present: false, nickname: "Bob" }));
    expect(page).toMatch(/<form id="enter"[^>]* action="\/chat\/rooms\/lobby"[\s\S]*name="nickname" value="Bob"/);
    expect(page).toContain("message 2");
    expect(page).not.toContain('id="say"');
  });

  test("the lobby lists the rooms, each with a button of its own", () => {
    const figures = { members: 1, visitors: 2, lastAt: null, people: [], words: null };
    const rooms = ["lobby", "茶室"].map((slug) => ({ slug, title: slug, ...figures }));
    const page = renderLobby(layout({ here: "/" }), { rooms, nickname: "Bob", problem: { wording: "nickname_taken" } });
    expect(page).toMatch(/<form id="enter"[^>]* action="\/chat\/"/);
    expect(page).toMatch(/<button[^>]* name="room" value="lobby"[\s\S]*<button[^>]* name="room" value="茶室"/);
    expect(page).toContain(en.refusals.nickname_taken);
    expect(page).toContain('href="/chat/rooms/%E8%8C%B6%E5%AE%A4"');
  });

  const AGAIN = ["too_many", "too_many_network", "too_many_room", "full", "no_place"];
  test.each(AGAIN)("a refusal that ends by waiting says when to try again, in both languages: %s", (wording) => {
    const problem = { wording, retrySeconds: 12 };
    for (const [language, when] of [
      ["en", "try again in 12 s."],
      ["ja", "12秒ほどたってから、もう一度"],
    ] as const) {
      const refused = renderRefused(layout({ language }), { status: 429, code: "too_many", ...problem });
      const again = renderRoom(layout({ language }), room({ present: false, problem }));
      // The script fills in the words of the attribute.
      for (const page of [refused, again])
        expect([page.includes(when), page.replace(/data-words="[^"]*"/, "").includes("{seconds}")]).toEqual([
          true,
          false,
        ]);
    }
  });

  test("nothing that a person typed becomes markup", () => {
    const text = `</textarea><script>alert(1)</script>`;
    const events = [event(1, { member: mallory, text }), event(2, { member: mallory, kind: "enter" })];
    const title = `<b>"'`;
    const page = [
      renderRoom(
        layout({ member: mallory }),
        room({ events, members: [mallory], text, room: { ...LOBBY, slug: "a", title } }),
      ),
      renderRoom(layout(), room({ present: false, nickname: mallory.nickname })),
      renderLobby(layout(), {
        rooms: [
          {
            slug: `"><script>`,
            title,
            members: 1,
            visitors: 0,
            lastAt: null,
            people: [mallory],
            words: { ...mallory, text },
          },
        ],
        nickname: mallory.nickname,
      }),
      renderRefused(layout(), { status: 404, code: "<script>", missing: { slug: `"><script>`, title } }),
      renderRoom(layout(), room({ events: [], ownRooms: [{ slug: "b", title }], room: { ...LOBBY, title } })),
      renderLobby(layout({ site: { name: title, description: text, rules: text } }), { rooms: [] }),
    ].join("\n");
    expect(page).toContain("&lt;img src");
    expect(page).not.toMatch(/<img|<b>|<script>|<\/textarea><script/);
  });

  test("an address in a message is a link, and the text after it is not", () => {
    const text = "見て https://example.jp/a?b=1&c=2。javascript:alert(1) (http://example.org/).";
    const page = renderRoom(layout(), room({ events: [event(1, { text })] }));
    const links = page.match(/<a [^>]*_blank[^>]*>[^<]*<\/a>/g) ?? [];
    expect(links.map((link) => /href="([^"]*)"/.exec(link)?.[1])).toEqual([
      "https://example.jp/a?b=1&#38;c=2",
      "http://example.org/",
    ]);
    expect(links[0]).toContain('rel="nofollow noopener noreferrer ugc"');
    expect(page).toContain("。javascript:alert(1) (");
  });

  test("every form that posts carries the proof that it comes from this site", () => {
    const pages = [
      renderLobby(layout(), { rooms: [] }),
      renderRoom(layout({ member: ann }), room()),
      renderRoom(layout(), room({ present: false })),
    ];
    const all = pages.flatMap(forms).filter((form) => form.includes('method="post"'));
    expect(all.length).toBe(5);
    for (const form of all) expect(form).toContain('name="form_token" value="proof"');
  });

  test("nothing on a page needs an inline script or style", () => {
    const page = renderRoom(layout({ member: ann }), room()) + renderLobby(layout(), { rooms: [] });
    expect(page).not.toMatch(/ style=| on[a-z]+=|<style|<script(?![^>]* src=)|href="javascript:/);
  });
});

describe("the languages", () => {
  test.each<Language>(["ja", "en"])("every refusal and every place has its word in %s", (language) => {
    const words = language === "ja" ? ja : en;
    expect(Object.keys(words.refusals).sort()).toEqual([...CODES].sort());
    expect(leaves(words).every((word) => word.trim() !== "")).toBe(true);
    expect(placeholders(words)).toEqual(placeholders(language === "ja" ? en : ja));
    expect(renderLobby(layout({ language }), { rooms: [] })).toContain(`<html lang="${language}">`);
    expect(renderLobby(layout({ language }), { rooms: [] })).toContain(words.tagline[0]);
  });

  test.each([
    [undefined, undefined, "en"],
    [undefined, "ja", "ja"],
    [undefined, "ja-JP,ja;q=0.9,en-US;q=0.8", "ja"],
    [undefined, "en-US,en;q=0.9,ja;q=0.8", "en"],
    [undefined, "fr, ja;q=0.3, en;q=0.2", "ja"],
    [undefined, "ja;q=0, en;q=0.1", "en"],
    [undefined, "ja;q=nonsense", "en"],
    [undefined, "fr", "en"],
    ["en", "ja", "en"],
    ["ja", "en", "ja"],
    ["xx", "ja", "ja"],
  ])("chosen %p and Accept-Language %p give %p", (chosen, header, language) => {
    expect(chooseLanguage(chosen, header, "en")).toBe(language);
  });

  test("the site's own is that of visitors who prefer neither", () => {
    expect([undefined, "fr", "ja, en", "en"].map((header) => chooseLanguage(undefined, header, "ja"))).toEqual([
      "ja",
      "ja",
      "ja",
      "en",
    ]);
  });
});

function leaves(words: object): string[] {
  return Object.values(words).flatMap((word) => (typeof word === "string" ? [word] : leaves(word)));
}

function placeholders(words: object): string[] {
  return leaves(words).flatMap((word) => (word.match(/\{\w+\}/g) ?? []).sort().join() || []);
}
