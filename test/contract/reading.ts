import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ResetSignal, RoomEvent } from "../../protocol/event.ts";
import { openNode, openSite, person, say, type TestOptions, type TestPerson, type TestSite } from "../support/app.ts";
import { OPERATOR_SECRET, operator } from "../support/operator.ts";

/**
 * A reader under test, by whatever transport: gives the log's events after a cursor, in the order
 * they came.
 */
export type ReaderUnderTest = {
  /** Reads the next `count` events. */
  events(count: number): Promise<RoomEvent[]>;
  /** Reads the next `count` resets. */
  resets(count: number): Promise<ResetSignal[]>;
  /** The place behind what was read. */
  cursor(): string;
  close(): Promise<void>;
};

export type OpenReader = (
  url: string,
  query: { room: string | string[]; after?: string | string[]; header?: string },
) => Promise<ReaderUnderTest>;

/** Tests the promises that every transport must keep. */
export function keepsTheReadingContract(name: string, open: OpenReader, options: TestOptions = {}): void {
  describe(`reading by ${name}`, () => {
    let site: TestSite;
    let url: string;
    let ann: TestPerson;
    let bob: TestPerson;

    beforeAll(async () => {
      site = await openSite({ operatorSecret: OPERATOR_SECRET, ...options });
      url = (site.nodes[0] as { url: string }).url;
      ann = await person(url, "Ann");
      bob = await person(url, "Bob");
      for (const who of [ann, bob]) await say(url, who, "is in the room from here on");
    });

    afterAll(() => site.close());

    const texts = (events: RoomEvent[]) => events.map((event) => event.text);

    test("gives what is said from now on to who brings no cursor", async () => {
      await say(url, ann, "before");
      const reader = await open(url, { room: "lobby" });
      await say(url, ann, "after");
      expect(texts(await reader.events(1))).toEqual(["after"]);
      await reader.close();
    });

    test("gives each missed event once, in order, and then what is said live", async () => {
      const { cursor } = await say(url, ann, "here I go");
      for (let n = 0; n < 5; n += 1) await say(url, n % 2 ? ann : bob, `missed ${n}`);
      const reader = await open(url, { room: "lobby", after: cursor });
      const missed = await reader.events(5);
      await say(url, bob, "live");
      const read = [...missed, ...(await reader.events(1))];
      expect(texts(read)).toEqual(["missed 0", "missed 1", "missed 2", "missed 3", "missed 4", "live"]);
      expect(read.map((event) => event.seq)).toEqual(read.map((_, n) => (read[0] as RoomEvent).seq + n));
      await reader.close();
    });

    test("goes on from its own cursor without a hole or a double", async () => {
      const { cursor } = await say(url, ann, "start");
      const first = await open(url, { room: "lobby", after: cursor });
      await say(url, ann, "one");
      expect(texts(await first.events(1))).toEqual(["one"]);
      const behind = first.cursor();
      await first.close();
      await say(url, ann, "two");
      await say(url, ann, "three");
      const second = await open(url, { room: "lobby", after: behind });
      expect(texts(await second.events(2))).toEqual(["two", "three"]);
      await second.close();
    });

    test("gives the same events again to the same cursor", async () => {
      const { cursor } = await say(url, ann, "again");
      await say(url, ann, "and again");
      for (let n = 0; n < 2; n += 1) {
        const reader = await open(url, { room: "lobby", after: cursor });
        expect(texts(await reader.events(1))).toEqual(["and again"]);
        await reader.close();
      }
    });

    test("goes on from the farther of the cursors in query and header", async () => {
      const near = await say(url, ann, "near");
      const far = await say(url, ann, "far");
      await say(url, ann, "behind both");
      for (const [after, header] of [
        [near.cursor, far.cursor],
        [far.cursor, near.cursor],
      ] as const) {
        const reader = await open(url, { room: "lobby", after, header });
        expect(texts(await reader.events(1))).toEqual(["behind both"]);
        await reader.close();
      }
    });

    test("reaches back beyond what is kept in memory", async () => {
      await site.nodes[0]?.app.site.db("rooms").insert({ slug: "long", title: "long" });
      const { cursor } = await say(url, ann, { text: "first", room: "long" });
      for (let n = 0; n < 30; n += 1)
        await Promise.all(Array.from({ length: 20 }, (_, k) => say(url, ann, { text: `${n} ${k}`, room: "long" })));
      const reader = await open(url, { room: "long", after: cursor });
      const read = await reader.events(600);
      expect(read.map((event) => event.seq)).toEqual(read.map((_, n) => 3 + n));
      await reader.close();
    });

    test("gives a text as it was sent, whatever is in it", async () => {
      const reader = await open(url, { room: "lobby" });
      const text = "</script><!-- \u2028 & 'x' \"y\" \\ data: x\n\nid: 9\r\nevent: bye 👨‍👩‍👧 ｱ が";
      await say(url, ann, text);
      expect(texts(await reader.events(1))).toEqual([text]);
      await reader.close();
    });

    test("gives an erased notice without its words, and who reads live its erase", async () => {
      const { cursor } = await say(url, ann, "before the roll");
      const live = await open(url, { room: "lobby", after: cursor });
      const { event: rolled } = await say(url, ann, "/roll 1d6");
      expect(await live.events(1)).toMatchObject([{ kind: "notice", text: rolled.text }]);
      const op = await operator(url);
      await op.post("/api/rooms/lobby/erase", { seq: rolled.seq }).expect(200);
      const erase = { kind: "erase", seq: rolled.seq + 1, target: rolled.seq, by: "moderator" };
      expect(await live.events(1)).toMatchObject([erase]);
      await live.close();
      const reader = await open(url, { room: "lobby", after: cursor });
      const read = await reader.events(2);
      expect(read).toMatchObject([{ kind: "notice", seq: rolled.seq, erased: true }, erase]);
      expect(read[0]).not.toHaveProperty("text");
      await reader.close();
    });

    test("follows several rooms with one cursor", async () => {
      const rooms = ["east", "west"];
      await site.nodes[0]?.app.site.db("rooms").insert(rooms.map((slug) => ({ slug, title: slug })));
      for (const room of rooms) await say(url, ann, { text: "premise", room });
      const first = await open(url, { room: rooms });
      await say(url, ann, { text: "e1", room: "east" });
      expect(texts(await first.events(1))).toEqual(["e1"]);
      await say(url, ann, { text: "w1", room: "west" });
      expect(texts(await first.events(1))).toEqual(["w1"]);
      const behind = first.cursor();
      await first.close();
      await say(url, ann, { text: "w2", room: "west" });
      await say(url, ann, { text: "e2", room: "east" });
      const second = await open(url, { room: rooms, after: behind });
      expect(texts(await second.events(2)).sort()).toEqual(["e2", "w2"]);
      await second.close();
    });

    test("joins the cursors of several rooms into one place", async () => {
      const east = await say(url, ann, { text: "here", room: "east" });
      const west = await say(url, ann, { text: "here", room: "west" });
      await say(url, ann, { text: "east goes on", room: "east" });
      const reader = await open(url, { room: ["east", "west"], after: [east.cursor, west.cursor] });
      expect(texts(await reader.events(1))).toEqual(["east goes on"]);
      await reader.close();
    });

    test.each([
      ["malformed", () => "!!!"],
      ["malformed", () => "a".repeat(500)],
      ["epoch", (cursor: string) => cursor.replace(/^[^.]+/, "zzzz")],
      ["future", (cursor: string) => cursor.replace(/\d+$/, (seq) => String(Number(seq) + 1000))],
    ])("resets a cursor that is %s, and sends a new one that works", async (reason, spoil) => {
      const { cursor, event } = await say(url, ann, "head");
      const reader = await open(url, { room: "lobby", after: spoil(cursor) });
      expect(await reader.resets(1)).toEqual([{ room: "lobby", reason, cursor, oldest: 1, head: event.seq }]);
      await reader.close();
      await say(url, ann, "goes on");
      const next = await open(url, { room: "lobby", after: cursor });
      expect(texts(await next.events(1))).toEqual(["goes on"]);
      await next.close();
    });

    test("resets a cursor that does not name the room", async () => {
      const { cursor } = await say(url, ann, { text: "elsewhere", room: "east" });
      const reader = await open(url, { room: "lobby", after: cursor });
      expect(await reader.resets(1)).toMatchObject([{ room: "lobby", reason: "malformed" }]);
      await reader.close();
    });

    test("resets every room whose position is lost", async () => {
      const rooms = ["east", "west"];
      const heads = [];
      for (const room of rooms) heads.push((await say(url, ann, { text: "head", room })).event.seq);
      const reader = await open(url, { room: rooms, after: "zzzz.1-1" });
      const resets = await reader.resets(2);
      expect(resets.map((reset) => [reset.room, reset.reason, reset.head])).toEqual([
        ["east", "epoch", heads[0]],
        ["west", "epoch", heads[1]],
      ]);
      expect(resets[0]?.cursor).toBe(resets[1]?.cursor);
      await reader.close();
      await say(url, ann, { text: "behind the reset", room: "east" });
      const next = await open(url, { room: rooms, after: resets[0]?.cursor as string });
      expect(texts(await next.events(1))).toEqual(["behind the reset"]);
      await next.close();
    });

    test("never passes over an event that somebody deleted by hand without saying so", async () => {
      const { db } = (site.nodes[0] as TestSite["nodes"][0]).app.site;
      await db("rooms").insert({ slug: "hole", title: "hole" });
      const { cursor } = await say(url, ann, { text: "one", room: "hole" });
      for (const text of ["two", "deleted", "four"]) await say(url, ann, { text: text, room: "hole" });
      await db("events").where({ text: "deleted" }).delete();
      const fresh = await openNode(site.databaseUrl, options);
      const reader = await open(fresh.url, { room: "hole", after: cursor });
      expect(texts(await reader.events(1))).toEqual(["two"]);
      const [reset] = await reader.resets(1);
      expect(reset).toMatchObject({ room: "hole", reason: "pruned", head: 5 });
      await say(fresh.url, ann, { text: "five", room: "hole" });
      expect(texts(await reader.events(2))).toEqual(["four", "five"]);
      await reader.close();
      await fresh.close();
    });

    test("resets a cursor that is older than the kept messages", async () => {
      const { db } = (site.nodes[0] as TestSite["nodes"][0]).app.site;
      await db("rooms").insert({ slug: "pruned", title: "pruned" });
      const { cursor } = await say(url, ann, { text: "old", room: "pruned" });
      for (let n = 0; n < 3; n += 1) await say(url, ann, { text: `kept ${n}`, room: "pruned" });
      await db("events")
        .where("seq", "<=", 3)
        .whereIn("room_id", db("rooms").select("id").where({ slug: "pruned" }))
        .delete();
      const fresh = await openNode(site.databaseUrl, options);
      const reader = await open(fresh.url, { room: "pruned", after: cursor });
      expect(await reader.resets(1)).toMatchObject([{ reason: "pruned", oldest: 4, head: 5 }]);
      expect(texts(await reader.events(2))).toEqual(["kept 1", "kept 2"]);
      await reader.close();
      await fresh.close();
    });
  });
}
