import { beforeEach, describe, expect, test } from "@jest/globals";
import type { Answer, Http, Request } from "../../client/core/base/http.ts";
import { followLobby, type LiveLobby, type RoomInLobby, roomMarkup } from "../../client/lobby.ts";

const tea: RoomInLobby = {
  slug: "tea",
  title: "Tea",
  members: 1,
  visitors: 0,
  lastAt: null,
  people: [],
  words: null,
};

let now: number;
let timers: { at: number; run(): void }[];
let asked: { url: string; answer(answer: Answer): void }[];
let isHidden: boolean;
let shown: RoomInLobby[][];
let lobby: LiveLobby;

beforeEach(() => {
  now = 0;
  timers = [];
  asked = [];
  isHidden = false;
  shown = [];
  const http: Http = {
    ask: ({ url }: Request, done) => {
      asked.push({ url, answer: done });
      return () => {};
    },
    json: { parse: JSON.parse, print: JSON.stringify },
  };
  const environment = {
    now: () => now,
    random: () => 0.5,
    later(ms: number, run: () => void) {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  };
  lobby = followLobby(
    { environment, http, address: { base: "/chat" } },
    { hidden: () => isHidden, show: (rooms) => shown.push(rooms) },
  );
});

/** Lets time pass, and runs the timers that are due. */
function pass(ms: number): void {
  const end = now + ms;
  for (;;) {
    const [due] = timers.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at);
    if (due === undefined) break;
    now = due.at;
    timers = timers.filter((other) => other !== due);
    due.run();
  }
  now = end;
}

function answer(body: object): void {
  const { url, answer: settle } = asked.at(-1) as (typeof asked)[number];
  const n = /;n=([^;]+)/.exec(url)?.[1];
  settle({ status: 200, text: JSON.stringify({ chattera: 1, n, ...body }) });
}

describe("the lobby's list", () => {
  test("is asked for at once, answered after 8 to 11 s, and passed on if it has changed", () => {
    expect(asked.map(({ url }) => url.split(";n=")[0])).toEqual(["/chat/api/rooms;wait=10"]);
    pass(10_000);
    answer({ rooms: [tea], version: "v1" });
    expect(shown).toEqual([[tea]]);
    expect(asked.at(-1)?.url).toContain("/chat/api/rooms;known=v1;wait=10;n=");
    pass(10_000);
    answer({ version: "v1" });
    expect(shown).toHaveLength(1);
    expect(asked).toHaveLength(3);
  });

  test("is asked for again a second after an answer that came sooner, because a text was erased", () => {
    pass(2_000);
    answer({ rooms: [tea], version: "v1" });
    expect([shown.length, asked.length]).toEqual([1, 1]);
    pass(1_000);
    expect(asked.at(-1)?.url).toContain("/chat/api/rooms;known=v1;n=");
    answer({ rooms: [], version: "v2" });
    expect(shown.at(-1)).toEqual([]);
    expect(asked.at(-1)?.url).toContain("/chat/api/rooms;known=v2;wait=10;n=");
  });

  test("is not read while the page is hidden, and at once when it is looked at again", () => {
    isHidden = true;
    pass(10_000);
    answer({ rooms: [], version: "v1" });
    pass(600_000);
    expect(asked).toHaveLength(1);
    isHidden = false;
    lobby.wake();
    lobby.wake();
    expect(asked).toHaveLength(2);
    expect(asked.at(-1)?.url).not.toContain("wait");
    answer({ version: "v1" });
    lobby.wake();
    expect(asked).toHaveLength(3);
  });

  test("is not taken from the answer to an earlier question", () => {
    pass(5_000);
    const [first] = asked as [(typeof asked)[number]];
    lobby.wake();
    expect(asked).toHaveLength(2);
    answer({ rooms: [tea], version: "v2" });
    const n = /;n=([^;]+)/.exec(first.url)?.[1];
    first.answer({ status: 200, text: JSON.stringify({ chattera: 1, n, rooms: [], version: "v1" }) });
    expect(shown).toEqual([[tea]]);
  });

  test("is read less and less often while that fails, and as usual once it does not", () => {
    const pauses: number[] = [];
    for (let n = 0; n < 7; n += 1) {
      asked.at(-1)?.answer({ status: 503, text: "" });
      const before = now;
      pass((timers[0]?.at ?? 0) - now);
      pauses.push(now - before);
    }
    expect(pauses).toEqual([12_500, 22_500, 42_500, 82_500, 122_500, 122_500, 122_500]);
    pass(10_000);
    answer({ rooms: [tea], version: "v1" });
    expect(asked).toHaveLength(9);
  });

  test("is not passed on any more once it is closed", () => {
    lobby.close();
    answer({ rooms: [tea], version: "v1" });
    pass(600_000);
    expect([shown, asked.length]).toEqual([[], 1]);
  });
});

test("the markup of a room has its names as text, whatever they are", () => {
  const words = {
    item: '<a href="/rooms/{path}" title="{title}">{title}</a><b>{slug}</b>',
    figures: "",
    last: "",
    none: "",
    nobody: "",
    more: "",
    now: "",
  };
  expect(roomMarkup(words, { ...tea, slug: "茶", title: `<img src=x onerror="a">{slug}'&` })).toBe(
    '<a href="/rooms/%E8%8C%B6" title="&#60;img src=x onerror=&#34;a&#34;&#62;{slug}&#39;&#38;">' +
      "&#60;img src=x onerror=&#34;a&#34;&#62;{slug}&#39;&#38;</a><b>茶</b>",
  );
});
