import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { connect } from "../../db/pool/connect.ts";
import { execute } from "../../db/pool/statement.ts";
import { clientId, person, say, type TestPerson } from "../support/app.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite({ timeZone: "Asia/Tokyo" });
let ann: TestPerson;

/** 120 messages, one an hour from the midnight of November 1 in Tokyo. */
const MESSAGES = 120;
const hour = (n: number) => new Date(Date.parse("2026-10-31T15:00:00Z") + n * 3_600_000).toISOString();

beforeAll(async () => {
  ann = await person(site.url, "Ann");
  for (const slug of ["past", "部屋"]) await request(site.url).post("/api/rooms").send({ slug }).expect(201);
  await change(async (db) => {
    await execute(
      db,
      `insert into events (room_id, seq, kind, member_id, nickname, color, text, at)
       select id, n, 'message', 'ben', 'Ben', '#b3261e', 'said ' || n, ?::timestamptz + (n - 1) * interval '1 hour'
       from rooms, generate_series(1, ?::int) n where slug = 'past'`,
      [hour(0), MESSAGES],
    );
    await execute(db, "update rooms set last_seq = ? where slug = 'past'", [MESSAGES]);
  });
});

async function change(make: (db: ReturnType<typeof connect>) => Promise<void>): Promise<void> {
  const db = connect(site.databaseUrl);
  await make(db).finally(() => db.destroy());
}

const page = (path: string) => request(site.url).get(path).set("accept", "text/html").set("accept-language", "en");

const seqsOf = (html: string) =>
  [...html.matchAll(/<li class="line[^>]* data-seq="(\d+)"/g)].map(([, seq]) => Number(seq));

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

describe("a link to a message", () => {
  test("opens the room there: the line is marked, with lines around it, and the newest below a gap", async () => {
    const { text } = await page("/rooms/past/42").expect(200);
    expect(seqsOf(text)).toEqual([...range(18, 67), ...range(71, 120)]);
    expect(/<li class="line message current"[^>]* data-seq="42"[^>]*>/.exec(text)?.[0]).toMatch(
      / aria-current="true" tabindex="-1" autofocus>/,
    );
    expect(text.match(/aria-current/g)).toHaveLength(1);
    expect(text).toMatch(/<li class="gap" value="67" data-after="67"><a [^>]*href="\/rooms\/past\/67"/);
    expect(text).toContain('<a href="/rooms/past?before=18"');
    expect(text).toMatch(/data-cursor="[^"]*-120\b/);
    expect(text).not.toContain("<iframe");
  });

  test("is the time of each line", async () => {
    const { text } = await page("/rooms/past").expect(200);
    expect(text).toMatch(/<a class="at" href="\/rooms\/past\/120"[^>]*><time/);
  });

  test("has no gap where the newest messages follow", async () => {
    for (const seq of [120, 100, 60]) {
      const { text } = await page(`/rooms/past/${seq}`).expect(200);
      const seqs = seqsOf(text);
      expect(seqs).toEqual(range(seqs[0] as number, 120));
      expect(text).not.toContain('class="gap"');
    }
  });

  test("has few lines before the message in a text browser, which shows the top of a page", async () => {
    const { text } = await page("/rooms/past/42").set("user-agent", "w3m/0.5.3").expect(200);
    expect(seqsOf(text)[0]).toBe(37);
  });

  test("is answered 404 with a way to the room if there is no such message", async () => {
    for (const seq of ["0", "121", "9007199254740993", "4.2e1", "-1", "+42", "1e1", "４２", "x", "99999999999999999"]) {
      const { text, status } = await page(`/rooms/past/${encodeURIComponent(seq)}`);
      expect([seq, status]).toEqual([seq, 404]);
      expect(text).toContain('data-code="no_such_message"');
      expect(text).toContain('<a class="button" href="/rooms/past">');
    }
    await page("/rooms/nowhere/1").expect(404);
  });

  test("is answered 404 if the message is erased or no longer kept", async () => {
    await request(site.url).post("/api/rooms").send({ slug: "erased" }).expect(201);
    const sent = [];
    for (const text of ["one", "two", "three"]) sent.push(await say(site.url, ann, { text, room: "erased" }));
    const [first, second, third] = sent.map(({ event }) => event.seq) as [number, number, number];
    await change(async (db) => {
      await execute(db, "update rooms set pruned_seq = ? where slug = 'erased'", [first]);
      await execute(db, "update events set text = null where seq = ? and member_id = ?", [second, ann.id]);
    });
    await page(`/rooms/erased/${first}`).expect(404);
    await page(`/rooms/erased/${second}`).expect(404);
    await page(`/rooms/erased/${third}`).expect(200);
  });

  test("has one spelling", async () => {
    for (const [path, right] of [
      ["/rooms/past/042", "/rooms/past/42"],
      ["/rooms/past/42/", "/rooms/past/42"],
      ["/ROOMS/Past/42", "/rooms/past/42"],
      ["/rooms/past/Search", "/rooms/past/search"],
      ["/rooms/past/LOG.txt", "/rooms/past/log.txt"],
    ] as const) {
      const { headers } = await page(path).expect(308);
      expect(headers.location).toBe(right);
    }
  });

  test("of someone who came or went opens the run that the line is in", async () => {
    await request(site.url).post("/api/rooms").send({ slug: "crowd" }).expect(201);
    await change(async (db) => {
      await execute(
        db,
        `insert into events (room_id, seq, kind, member_id, nickname, color, at)
         select id, n, 'enter', 'm' || n, 'M' || n, '#b3261e', now() from rooms, generate_series(1, 200) n
         where slug = 'crowd'`,
      );
      await execute(db, "update rooms set last_seq = 200 where slug = 'crowd'");
    });
    const { text } = await page("/rooms/crowd/60").expect(200);
    expect(text).toMatch(/<details open><summary>/);
    expect(text).toMatch(/<li class="line enter current"[^>]* data-seq="60"/);
  });
});

describe("history around an event", () => {
  const history = (parameters: string) => request(site.url).get(`/api/rooms/past/messages${parameters}`);

  test("has half of the messages before it and half after it", async () => {
    const { body } = await history("?around=42&limit=5").expect(200);
    expect(body.events.map(({ seq }: { seq: number }) => seq)).toEqual([40, 41, 42, 43, 44]);
    expect(body).toMatchObject({ seq: 42, isNewest: false, oldest: 1 });
    const { body: newest } = await history(";around=119;limit=6").expect(200);
    expect(newest).toMatchObject({ seq: 119, isNewest: true });
  });

  test("begins at a moment, or at the midnight of a date in a time zone", async () => {
    const seqAt = async (at: string, zone = "") => {
      const { body } = await history(`?at=${encodeURIComponent(at)}&limit=5${zone && `&zone=${zone}`}`).expect(200);
      return body.seq;
    };
    expect(await seqAt(hour(10))).toBe(11);
    expect(await seqAt("2026-11-01T10:00:00+09:00")).toBe(11);
    expect(await seqAt("2026-11-02")).toBe(25);
    expect(await seqAt("2026-11-02", "UTC")).toBe(34);
    expect(await seqAt("2000-01-01")).toBe(1);
    const { body } = await history("?at=2030-01-01&limit=5").expect(200);
    expect(body.seq).toBeUndefined();
    expect(body.events.at(-1).seq).toBe(MESSAGES);
    expect(body.isNewest).toBe(true);
  });

  test("refuses what is no moment, no time zone, and two places at once", async () => {
    for (const bad of [
      "at=yesterday",
      "at=2026-02-30",
      "at=2026-11-30T25:00:00Z",
      "at=2026-11-30T24:00:00Z",
      "at=2026-02-30T00:00:00Z",
      "at=2026-11-02&zone=Mars",
      "around=0",
    ])
      await history(`?${bad}`).expect(400);
    await history("?around=3&before=5").expect(400);
    await history("?at=2026-11-02&around=5").expect(400);
    expect((await history("?around=999").expect(404)).body.code).toBe("no_such_message");
  });

  test("takes every date and moment that RFC 3339 has", async () => {
    for (const [at, seq] of [
      ["0000-01-01", 1],
      ["0001-01-01", 1],
      ["0000-01-01T00:00:00%2B23:59", 1],
      ["9999-12-31", undefined],
      ["9999-12-31T23:59:59-23:59", undefined],
    ])
      for (const zone of ["Etc/GMT-14", "Etc/GMT%2B12"]) {
        expect([at, (await history(`?at=${at}&zone=${zone}`).expect(200)).body.seq]).toEqual([at, seq]);
        await page(`/rooms/past?at=${at}&zone=${zone}`).expect(303);
      }
  });

  test("leads a form with a date to the first message of that day", async () => {
    const { headers } = await page("/rooms/past?at=2026-11-03").expect(303);
    expect(headers.location).toBe("/rooms/past/49");
    expect((await page("/rooms/past?at=2031-01-01").expect(303)).headers.location).toBe("/rooms/past");
    await page("/rooms/past?at=soon").expect(400);
  });

  test("knows a day that begins at one o'clock", async () => {
    // In Beirut, the clock was set forward at the midnight of March 31, 2024.
    await request(site.url).post("/api/rooms").send({ slug: "beirut" }).expect(201);
    await change(async (db) => {
      await execute(
        db,
        `insert into events (room_id, seq, kind, member_id, nickname, color, text, at)
         select id, n, 'message', 'm', 'M', '#b3261e', 'x', '2024-03-30T21:58:00Z'::timestamptz + n * interval '1 minute'
         from rooms, generate_series(1, 4) n where slug = 'beirut'`,
      );
      await execute(db, "update rooms set last_seq = 4 where slug = 'beirut'");
    });
    const { headers } = await page("/rooms/beirut?at=2024-03-31&zone=Asia/Beirut").expect(303);
    expect(headers.location).toBe("/rooms/beirut/2");
  });
});

describe("the search", () => {
  const search = (parameters: string) => request(site.url).get(`/api/rooms/past/search${parameters}`);

  test("answers the newest first, and where to go on", async () => {
    const { body } = await search("?text=said&limit=3").expect(200);
    expect(body.chattera).toBe(1);
    expect(body.events.map(({ seq }: { seq: number }) => seq)).toEqual([120, 119, 118]);
    expect(body).toMatchObject({ next: 118, since: hour(117) });
    const { body: older } = await search(`?text=said&limit=3&before=${body.next}`).expect(200);
    expect(older.events[0].seq).toBe(117);
    const { body: last } = await search("?text=said%20120").expect(200);
    expect(last.events).toHaveLength(1);
    expect(last).not.toHaveProperty("next");
  });

  test("works in the path and as a script, like other reads", async () => {
    const text64 = Buffer.from("said 42").toString("base64url");
    const { body } = await search(`;text64=${text64};n=7`).expect(200);
    expect(body).toMatchObject({ n: "7", events: [{ seq: 42 }] });
    const script = await search(`;text64=${text64};callback=found`).expect(200);
    expect(script.text).toMatch(/^\/\*\*\/found\(\{/);
  });

  test("refuses what is nothing, too much, or out of range", async () => {
    for (const bad of [
      "",
      "?text=",
      "?text=%20%E3%80%80",
      `?text=${"x".repeat(101)}`,
      "?text=a%00b",
      "?text=%00",
      ";text64=YQBi",
      "?text=a%20b%20c%20d%20e%20f%20g%20h%20i",
    ])
      await search(bad).expect(400);
    for (const bad of ["limit=0", "limit=51", "before=0", "before=x"]) await search(`?text=said&${bad}`).expect(400);
    await request(site.url).get("/api/rooms/nowhere/search?text=x").expect(404);
  });

  test("is a page with a form, which links to the messages and marks the words", async () => {
    const empty = await page("/rooms/past/search").expect(200);
    expect(empty.text).toContain('<form id="search"');
    expect(empty.text).not.toContain('id="results"');
    const { text } = await page("/rooms/past/search?text=SAID+12").expect(200);
    expect(text).toMatch(/<a class="result-link" href="\/rooms\/past\/120"/);
    expect(text).toContain("<mark>said</mark> <mark>12</mark>0");
    expect(text).toContain("3 found");
    const { text: none } = await page("/rooms/past/search?text=nothing").expect(200);
    expect(none).toContain("No message contains these words.");
    const { text: more } = await page("/rooms/past/search?text=said").expect(200);
    expect(more).toMatch(/href="\/rooms\/past\/search;text64=c2FpZA;before=101"/);
    await page("/rooms/past/search;text64=c2FpZA;before=101").expect(200);
    const { text: hostile } = await page(`/rooms/past/search?text=${encodeURIComponent('"><script>')}`).expect(200);
    expect(hostile).not.toContain('"><script>');
  });
});

describe("the log as a text file", () => {
  const file = (path: string) => request(site.url).get(path).set("accept-language", "en");

  test("has a line for each event, in the time zone of the site or of the request", async () => {
    const { text, headers } = await file("/rooms/past/log.txt").expect(200);
    expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(headers["content-disposition"]).toBe(`attachment; filename="past.txt"; filename*=UTF-8''past.txt`);
    const lines = text.trimEnd().split("\n");
    expect(lines).toHaveLength(MESSAGES);
    expect(lines[0]).toBe("[2026-11-01 00:00] Ben: said 1");
    const utc = await file("/rooms/past/log.txt?zone=UTC").expect(200);
    expect(utc.text.split("\n")[0]).toBe("[2026-10-31 15:00] Ben: said 1");
  });

  test("has the days from one date to another", async () => {
    const days = async (query: string) => (await file(`/rooms/past/log.txt?${query}`).expect(200)).text.split("\n");
    expect(await days("from=2026-11-02&to=2026-11-02")).toHaveLength(24 + 1);
    expect((await days("from=2026-11-05"))[0]).toBe("[2026-11-05 00:00] Ben: said 97");
    expect(await days("to=2026-11-01")).toHaveLength(24 + 1);
    expect(await days("from=2030-01-01")).toEqual([""]);
    const whole = (await file("/rooms/past/log.txt").expect(200)).text;
    for (const zone of ["Etc/GMT-14", "Etc/GMT%2B12", "Asia/Tokyo"])
      expect(await days(`from=0000-01-01&to=9999-12-31&zone=${zone}`)).toHaveLength(whole.split("\n").length);
    await file("/rooms/past/log.txt?to=2026-02-30").expect(400);
    await file("/rooms/past/log.txt?from=now").expect(400);
    await file("/rooms/past/log.txt?zone=Mars").expect(400);
  });

  test("shows who came and went, and no message can look like several", async () => {
    const entered = await person(site.url, "Cleo");
    await say(site.url, entered, { text: "hi\n[2026-11-30 02:58] Ben: forged", room: "部屋", id: clientId() });
    const { text, headers } = await file(`/rooms/${encodeURIComponent("部屋")}/log.txt`).expect(200);
    expect(headers["content-disposition"]).toBe(
      `attachment; filename="__.txt"; filename*=UTF-8''%E9%83%A8%E5%B1%8B.txt`,
    );
    expect(text).toMatch(/^\[[^\]]+\] Cleo entered\n\[[^\]]+\] Cleo: hi\n {4}\[2026-11-30 02:58\] Ben: forged\n$/);
    const ja = await request(site.url)
      .get(`/rooms/${encodeURIComponent("部屋")}/log.txt`)
      .set("accept-language", "ja");
    expect(ja.text).toContain("Cleo 入室");
  });

  test("is written page by page, as fast as its reader takes it", async () => {
    await request(site.url).post("/api/rooms").send({ slug: "long" }).expect(201);
    const count = 20_000;
    await change(async (db) => {
      await execute(
        db,
        `insert into events (room_id, seq, kind, member_id, nickname, color, text, at)
         select id, n, 'message', 'ben', 'Ben', '#b3261e', repeat('x', 1000), now()
         from rooms, generate_series(1, ?::int) n where slug = 'long'`,
        [count],
      );
      await execute(db, "update rooms set last_seq = ? where slug = 'long'", [count]);
    });
    let queries = 0;
    // Those that read pages of the log. The site makes others all the time.
    site.node.app.site.db.on("query", ({ sql }: { sql: string }) => {
      if (sql.includes("octet_length")) queries += 1;
    });
    const answer = await fetch(`${site.url}/rooms/long/log.txt`);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const before = await settled(() => queries);
    // The whole log would be more than 300 pages.
    expect(before).toBeLessThan(150);
    let bytes = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) bytes += part.value.length;
    expect(bytes).toBeGreaterThan(count * 1000 * 0.9);
    expect(queries).toBeGreaterThan(before);
  }, 60_000);
});

/** Returns a figure when it has not changed for half a second. */
async function settled(figure: () => number): Promise<number> {
  let last = -1;
  while (last !== figure()) {
    last = figure();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return last;
}
