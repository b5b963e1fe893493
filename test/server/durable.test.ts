import { FetchError, stream } from "@durable-streams/client";
import { beforeAll, describe, expect, test } from "@jest/globals";
import type { RoomEvent } from "../../protocol/event.ts";
import { openNode, person, say, sayAll, type TestPerson } from "../support/app.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
let ann: TestPerson;
let url: string;

beforeAll(async () => {
  ann = await person(site.url, "Ann");
  url = `${site.url}/api/rooms/lobby/durable`;
  await sayAll(site.url, ann, { texts: Array.from({ length: 450 }, (_, n) => `old ${n}`) });
});

describe("a room as a Durable Stream, read by its own client", () => {
  test("is read from its beginning to its end", async () => {
    const read = await stream<RoomEvent>({ url, offset: "-1", live: false });
    const events = await read.json();
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 451 }, (_, n) => n + 1));
    expect(read.upToDate).toBe(true);
  });

  test.each(["long-poll", "sse"] as const)(
    "goes on live by %s, once and in order, from its own offset",
    async (live) => {
      const before = await stream<RoomEvent>({ url, offset: "now", live: false });
      await before.json();
      await say(site.url, ann, `missed by ${live}`);
      const texts: (string | undefined)[] = [];
      const read = await stream<RoomEvent>({ url, offset: before.offset, live });
      const stop = read.subscribeJson(({ items }) => {
        texts.push(...items.map(({ text }) => text));
      });
      await until("it has read what was missed", () => texts.length === 1);
      for (let n = 0; n < 5; n += 1) await say(site.url, ann, `${live} ${n}`);
      await until("it has read the rest", () => texts.length === 6);
      stop();
      read.cancel();
      expect(texts).toEqual([`missed by ${live}`, ...Array.from({ length: 5 }, (_, n) => `${live} ${n}`)]);
    },
  );

  test("refuses an offset of another log, and impossible requests", async () => {
    const gone = await fetch(`${url}?offset=zzzz_0000000000000001`);
    expect(gone.status).toBe(410);
    for (const query of ["offset=5", "offset=-1&live=websocket", "live=sse"])
      expect((await fetch(`${url}?${query}`)).status).toBe(400);
    await expect(stream({ url: url.replace("lobby", "nowhere"), live: false })).rejects.toThrow(FetchError);
    const listed = "https://friend.example";
    const node = await openNode(site.databaseUrl, { origins: [listed] });
    const { headers } = await fetch(`${node.url}/api/rooms/lobby/durable?offset=now`, { headers: { origin: listed } });
    expect(headers.get("access-control-expose-headers")).toContain("Stream-Next-Offset");
    await node.close();
    const head = await fetch(url, { method: "HEAD" });
    expect([head.status, head.headers.get("stream-next-offset")]).toEqual([200, expect.stringMatching(/^\w+_\d{16}$/)]);
  });
});
