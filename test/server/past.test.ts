import { describe, expect, test } from "@jest/globals";
import request from "supertest";
import { person, say } from "../support/app.ts";
import { query } from "../support/database.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();

/** Returns the address of the link to older messages, if a page has one. */
const olderOn = (page: string) => /href="([^"]*\?before=\d+)"/.exec(page)?.[1];

/** Returns the texts of the messages on a page. */
const messagesOn = (page: string) =>
  [...page.matchAll(/class="line message[\s\S]*?class="text">([^<]*)</g)].map(([, text]) => text);

describe("without script", () => {
  test("links lead from every page of a room through all its messages, however many people came and went", async () => {
    const ann = await person(site.url, "Ann");
    await say(site.url, ann, "message 0");
    await query(
      site.databaseUrl,
      `insert into events (room_id, seq, kind, member_id, nickname, color, at, text)
       select 1, n, case when n % 40 = 0 then 'message' when n % 2 = 0 then 'enter' else 'leave' end,
         'm' || n, 'guest', '#b3261e', now(), case when n % 40 = 0 then 'message ' || n / 40 end
       from generate_series(3, 4800) n`,
    );
    await query(site.databaseUrl, "update rooms set last_seq = 4800 where id = 1");
    for (const path of ["/rooms/lobby", "/rooms/lobby/live?refresh=10", "/rooms/lobby/live;only=log"]) {
      const seen: (string | undefined)[] = [];
      let pages = 0;
      for (let next: string | undefined = path; next !== undefined; pages += 1) {
        const { text } = await request(site.url).get(next).expect(200);
        const messages = messagesOn(text);
        seen.unshift(...(/newest-first/.test(text) ? messages.reverse() : messages));
        next = olderOn(text);
      }
      expect(seen).toEqual(Array.from({ length: 121 }, (_, n) => `message ${n}`));
      expect(pages).toBe(3);
    }
  });

  test("a page of older messages has no script and no form, and leads back to the newest", async () => {
    const { text } = await request(site.url).get("/rooms/lobby?before=100").expect(200);
    expect(text).not.toMatch(/<script|<form|aria-live/);
    expect(text).toContain('<a href="/rooms/lobby">Jump to latest</a>');
    expect((await request(site.url).get("/rooms/lobby?before=1").expect(200)).text).not.toContain("data-seq");
    await request(site.url).get("/rooms/lobby?before=x").expect(400);
    await request(site.url).get("/rooms/nowhere?before=1").expect(404);
  });
});
