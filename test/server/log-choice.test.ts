import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { person, say } from "../support/app.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();

const read = (path: string, cookie = "") =>
  request(site.url).get(path).set("accept-language", "en").set("cookie", cookie);

/** Returns the seqs of a page's messages, in the order of the page. */
const messagesOf = (page: string) =>
  [...page.matchAll(/<li class="line message[^"]*" value="(\d+)"/g)].map(([, seq]) => Number(seq));

const ascends = (seqs: number[]) => seqs.every((seq, n) => n === 0 || seq > (seqs[n - 1] as number));

beforeAll(async () => {
  const ann = await person(site.url, "Ann");
  for (let n = 1; n <= 60; n += 1) await say(site.url, ann, `message ${n}`);
});

describe("the order and the number of lines", () => {
  test("are chosen by a form without script, kept for a year, and hold for every page of a room", async () => {
    const chosen = await read("/rooms/lobby?order=newest&lines=20").expect(303);
    expect(chosen.headers.location).toBe("/rooms/lobby");
    const cookies = (chosen.headers["set-cookie"] as unknown as string[]).map((one) => one.split(";")[0]).join("; ");
    expect(cookies).toContain("order=newest");
    expect(cookies).toContain("lines=20");
    const { text } = await read("/rooms/lobby", cookies).expect(200);
    const seqs = messagesOf(text);
    expect(seqs).toHaveLength(20);
    expect(ascends([...seqs].reverse())).toBe(true);
    // The form is next to the newest line.
    expect(text.indexOf('id="enter"')).toBeLessThan(text.indexOf('id="log"'));
    const refreshing = messagesOf((await read("/rooms/lobby/live/refresh=10", cookies).expect(200)).text);
    expect(refreshing).toHaveLength(20);
    expect(refreshing[0]).toBe(seqs[0]);
    const back = await read("/rooms/lobby/live/refresh=10?order=oldest", cookies).expect(303);
    expect(back.headers.location).toBe("/rooms/lobby/live/refresh=10");
  });

  test("are the usual ones without a choice, or with a cookie that is none", async () => {
    for (const cookie of ["", "order=upwards; lines=7"]) {
      const seqs = messagesOf((await read("/rooms/lobby", cookie).expect(200)).text);
      expect(seqs).toHaveLength(50);
      expect(ascends(seqs)).toBe(true);
    }
  });

  test.each(["order=up", "lines=0", "lines=21", "lines=1e9", "order=newest&order=oldest"])(
    "are refused if they are not offered: %s",
    async (query) => {
      await read(`/rooms/lobby?${query}`).expect(400);
    },
  );
});

test("a line of another person that names the reader is a mention, without script, too", async () => {
  const ben = await person(site.url, "Ben");
  const ann = await person(site.url, "Ann B");
  await say(site.url, ann, "is ben here?");
  await say(site.url, ben, "ben is here");
  const { text } = await read("/rooms/lobby", ben.cookie).expect(200);
  const marked = [...text.matchAll(/<li class="line message[^"]*mention[^"]*".*?class="text">([^<]*)/g)];
  expect(marked.map(([, said]) => said)).toEqual(["is ben here?"]);
});
