import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Knex } from "knex";
import { append, type Draft } from "../../db/log/append.ts";
import { type Entrant, type EntryRequest, enterAndAppend } from "../../db/log/enter.ts";
import { createGroupCommit } from "../../db/log/group-commit.ts";
import { leaveRooms, sweepMembers } from "../../db/log/leave.ts";
import { isPresent, listMembers, touchMembers } from "../../db/log/members.ts";
import { readSince } from "../../db/log/read.ts";
import { findRooms, removeUnusedRooms } from "../../db/log/rooms.ts";
import { connect } from "../../db/pool/connect.ts";
import { COLORS } from "../../protocol/limits.ts";
import { createDatabase } from "../support/database.ts";
import { enterRoom, makeRoom } from "../support/enter.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let one: Knex;
let two: Knex;
let rooms = 0;

beforeAll(async () => {
  database = await createDatabase();
  one = connect(database.url);
  two = connect(database.url);
});

afterAll(async () => {
  await one.destroy();
  await two.destroy();
  await database.drop();
});

async function newRoom(): Promise<number> {
  rooms += 1;
  const slug = `room-${rooms}`;
  await makeRoom(one, { slug, title: slug, public: true });
  return (await findRooms(one, [slug]))[0]?.id as number;
}

const entrantOf = (id: string, more: Partial<Entrant> = {}): Entrant => ({
  id,
  nickname: id,
  color: "#b3261e",
  skeleton: id,
  ...more,
});

const entry = (roomId: number, entrant: Entrant, more: Partial<EntryRequest> = {}): EntryRequest => ({
  roomId,
  entrant,
  tag: "t4g",
  ...more,
});

const enterAll = (db: Knex, entries: EntryRequest[], more: { drafts?: Draft[]; roomMembers?: number } = {}) =>
  enterAndAppend(db, { entries, drafts: [], roomMembers: 2_000, ...more });

const message = (roomId: number, member: Entrant, clientId: string): Draft => {
  const { skeleton: _skeleton, ...rest } = member;
  return { roomId, kind: "message", member: rest, text: clientId, clientId };
};

const logOf = async (roomId: number) =>
  (await readSince(one, new Map([[roomId, 0]]), 100_000)).map((stored) => stored.event);

async function linesOf(roomId: number): Promise<string[]> {
  return (await logOf(roomId)).map(({ kind, member }) => `${kind} ${member.nickname}`);
}

describe("entering together", () => {
  test("refuses one entry without failing the others, and stores first messages after the enter events", async () => {
    const room = await newRoom();
    const [ann, eve, bob] = [entrantOf("ann"), entrantOf("eve", { skeleton: "ann" }), entrantOf("bob")];
    const drafts = [ann, eve, bob].map((who) => message(room, who, `hello-${who.id}`));
    const { results, stored } = await enterAll(
      one,
      [ann, eve, bob].map((who) => entry(room, who)),
      { drafts },
    );
    expect(results.map(({ outcome }) => outcome)).toEqual(["entered", "taken", "entered"]);
    expect(stored.map((each) => each?.event.seq)).toEqual([3, undefined, 4]);
    expect(await linesOf(room)).toEqual(["enter ann", "enter bob", "message ann", "message bob"]);
  });

  test("stores nothing for present members, replaces an earlier one with the same trip, and stores a rename as leave and enter", async () => {
    const room = await newRoom();
    const tab = entrantOf("tab", { nickname: "Casper", skeleton: "casper", trip: "◆boo" });
    const zed = entrantOf("zed");
    await enterAll(one, [entry(room, tab), entry(room, zed)]);
    const again = await enterAll(one, [
      entry(room, zed),
      entry(room, { ...tab, id: "phone" }),
      entry(room, { ...zed, nickname: "zoe", skeleton: "zoe" }),
    ]);
    expect(again.results.map(({ outcome }) => outcome)).toEqual(["present", "entered", "entered"]);
    expect((await linesOf(room)).slice(2)).toEqual(["leave Casper", "enter Casper", "leave zed", "enter zoe"]);
    const { members } = await listMembers(one, room, { limit: 9 });
    expect(members.map(({ id }) => id).toSorted()).toEqual(["phone", "zed"]);
  });

  test("a resent message does not bring back a member who has left", async () => {
    const room = await newRoom();
    const ann = entrantOf("ann");
    await enterAll(one, [entry(room, ann)], { drafts: [message(room, ann, "said-once")] });
    await leaveRooms(one, [{ roomId: room, memberId: "ann" }]);
    const again = await enterAll(one, [entry(room, ann, { clientId: "said-once" })], {
      drafts: [message(room, ann, "said-once")],
    });
    expect([again.results[0]?.outcome, again.stored[0]?.event.seq]).toEqual(["sent", 2]);
    expect(await isPresent(one, { roomId: room, memberId: "ann" })).toBe(false);
  });
});

describe("entering a room", () => {
  test("that is full is refused, but its members can change their nicknames", async () => {
    const room = await newRoom();
    const [ann, bob, eve] = [entrantOf("ann"), entrantOf("bob"), entrantOf("eve")];
    const { results } = await enterAll(
      one,
      [ann, bob, eve].map((who) => entry(room, who)),
      { roomMembers: 2 },
    );
    expect(results.map(({ outcome }) => outcome)).toEqual(["entered", "entered", "full"]);
    const renamed = await enterAll(one, [entry(room, { ...bob, nickname: "rob", skeleton: "rob" })], {
      roomMembers: 2,
    });
    expect(renamed.results[0]?.outcome).toBe("entered");
  });

  test("that is gone is refused", async () => {
    const { results, stored } = await enterAll(one, [entry(987_654, entrantOf("ann"))], {
      drafts: [message(987_654, entrantOf("ann"), "hello-nowhere")],
    });
    expect([results[0]?.outcome, stored[0]]).toEqual(["gone", undefined]);
  });

  test("prevents its removal, and a removal prevents entering", async () => {
    const [entered, removed] = [await newRoom(), await newRoom()];
    const age = (id: number) =>
      one("rooms")
        .where({ id })
        .update({ created_at: one.raw("now() - interval '2 days'"), used_at: one.raw("now() - interval '2 days'") });
    await Promise.all([age(entered), age(removed)]);
    await one.transaction(async (tx) => {
      await enterAll(tx, [entry(entered, entrantOf("ann"))]);
      expect(await removeUnusedRooms(two, 9)).toEqual([removed]);
    });
    await age(entered);
    await leaveRooms(one, [{ roomId: entered, memberId: "ann" }]);
    await one("rooms").where({ id: entered }).update({ last_at: null });
    let entering: ReturnType<typeof enterAll> | undefined;
    await one.transaction(async (tx) => {
      expect(await removeUnusedRooms(tx, 9)).toEqual([entered]);
      entering = enterAll(two, [entry(entered, entrantOf("bob"))]);
    });
    expect((await entering)?.results[0]?.outcome).toBe("gone");
  });
});

describe("entering, leaving, posting and sweeping", () => {
  test("leaves no deadlock, gap or duplicate name on two nodes, in crossing rooms", async () => {
    const own = await Promise.all(Array.from({ length: 4 }, newRoom));
    const people = Array.from({ length: 40 }, (_, n) => entrantOf(`p${n}`, { skeleton: `look-${n % 25}` }));
    const visit = async (turn: number) => {
      const isEven = turn % 2 === 0;
      const [db, order, way] = isEven ? [one, people, own] : [two, people.toReversed(), own.toReversed()];
      const entries = order.flatMap((who) => way.map((room) => entry(room, who)));
      const drafts = order.flatMap((who) => way.map((room) => message(room, who, `t${turn}-${room}-${who.id}`)));
      await enterAll(db, entries, { drafts });
      await append(
        db,
        way.map((room) => message(room, order[0] as Entrant, `again-${turn}-${room}`)),
      );
      await touchMembers(
        db,
        entries.map(({ roomId, entrant }) => ({ roomId, memberId: entrant.id, agoMs: turn })),
      );
      await leaveRooms(
        db,
        order.slice(0, 9).flatMap(({ id }) => way.map((roomId) => ({ roomId, memberId: id }))),
      );
      await sweepMembers(db, { graceSeconds: 3_600 });
    };
    await Promise.all(Array.from({ length: 8 }, (_, turn) => visit(turn)));
    for (const room of own) {
      const log = await logOf(room);
      expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
      const inside = new Set<string>();
      for (const { kind, member } of log) {
        if (kind === "enter") expect(inside.has(member.id)).toBe(false);
        else expect(inside.has(member.id)).toBe(true);
        if (kind === "enter") inside.add(member.id);
        if (kind === "leave") inside.delete(member.id);
      }
      const { members } = await listMembers(one, room, { limit: 1_000 });
      expect(new Set(members.map(({ id }) => id))).toEqual(inside);
    }
  });
});

const networkAt = (name: string, more: { wideName?: string; factor?: number } = {}) => ({
  name,
  wideName: name,
  factor: 1,
  ...more,
});

/** Has a member from each network enter, in this order. Returns the outcomes. */
async function arrive(room: number, from: ReturnType<typeof networkAt>[], roomMembers: number): Promise<string[]> {
  const outcomes: string[] = [];
  for (const network of from) {
    arrivals += 1;
    const who = entrantOf(`${network.name}-${arrivals}`);
    const { results } = await enterAll(one, [entry(room, who, { network })], { roomMembers });
    outcomes.push(results[0]?.outcome as string);
  }
  return outcomes;
}

let arrivals = 0;
const times = <T>(count: number, one: (n: number) => T) => Array.from({ length: count }, (_, n) => one(n));

/** Returns the number of members of each network. */
async function holdings(room: number): Promise<{ [network: string]: number }> {
  const { members } = await listMembers(one, room, { limit: 1_000 });
  const counts: { [network: string]: number } = {};
  for (const { id } of members) {
    const name = id.replace(/-\d+$/, "");
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe("networks in a room", () => {
  test("hold at most a quarter of its members each, times their shares", async () => {
    const room = await newRoom();
    const outcomes = await arrive(
      room,
      times(7, () => networkAt("home")),
      20,
    );
    expect(outcomes).toEqual([...Array(5).fill("entered"), "crowded", "crowded"]);
    await arrive(
      room,
      times(12, () => networkAt("office", { factor: 2 })),
      20,
    );
    expect(await holdings(room)).toEqual({ home: 5, office: 10 });
  });

  test("are counted entry by entry when many members of one network enter together", async () => {
    const room = await newRoom();
    const crowd = times(12, (n) => entry(room, entrantOf(`c-${n}`), { network: networkAt("crowd") }));
    const { results } = await enterAll(one, crowd, { roomMembers: 20 });
    expect(results.filter(({ outcome }) => outcome === "entered")).toHaveLength(5);
  });

  test("lose their longest-present member to a newcomer while they hold more than its network then would", async () => {
    const room = await newRoom();
    const people = ["b", "a", "a", "a", "b", "c", "c", "d", "d", "e", "e", "f"];
    await arrive(
      room,
      people.map((name) => networkAt(name)),
      12,
    );
    const longestPresent = (await linesOf(room))[1]?.replace("enter ", "");
    expect(await arrive(room, [networkAt("f"), networkAt("f")], 12)).toEqual(["entered", "full"]);
    expect((await linesOf(room)).slice(-2)).toEqual([`leave ${longestPresent}`, expect.stringMatching(/^enter f-/)]);
    expect(await holdings(room)).toEqual({ a: 2, b: 2, c: 2, d: 2, e: 2, f: 2 });
    const singles = ["g", "h", "i", "j", "k", "l"].map((name) => networkAt(name));
    expect(await arrive(room, singles, 12)).toEqual(Array(6).fill("entered"));
    expect(Object.values(await holdings(room))).toEqual(Array(12).fill(1));
    expect(await arrive(room, [networkAt("m"), networkAt("a")], 12)).toEqual(["full", "full"]);
  });
});

describe("networks in a full room", () => {
  test("of one /48 count as ten", async () => {
    const room = await newRoom();
    await arrive(room, [networkAt("guest"), ...times(39, (n) => networkAt(`n${n}`, { wideName: "wide" }))], 40);
    expect(await arrive(room, [networkAt("guest"), networkAt("other")], 40)).toEqual(["entered", "entered"]);
    expect(await arrive(room, [networkAt("n99", { wideName: "wide" })], 40)).toEqual(["full"]);
    expect(await holdings(room)).toMatchObject({ guest: 2, other: 1 });
  });

  test("with a larger share are measured by it", async () => {
    const room = await newRoom();
    const office = times(4, () => networkAt("office", { factor: 4 }));
    await arrive(room, [...office, networkAt("a"), networkAt("a"), networkAt("b"), networkAt("c")], 8);
    expect(await arrive(room, [networkAt("d")], 8)).toEqual(["entered"]);
    expect(await holdings(room)).toEqual({ office: 4, a: 1, b: 1, c: 1, d: 1 });
  });

  test("lose a member whose row is not locked, so that a presence round and a newcomer cannot deadlock", async () => {
    const room = await newRoom();
    const people = ["a", "a", "b", "c", "d", "e", "f", "g"];
    await arrive(
      room,
      people.map((name) => networkAt(name)),
      8,
    );
    const [first] = (await listMembers(one, room, { limit: 1 })).members;
    await two.transaction(async (tx) => {
      await touchMembers(tx, [{ roomId: room, memberId: first?.id as string, agoMs: 0 }]);
      expect(await arrive(room, [networkAt("newcomer")], 8)).toEqual(["entered"]);
    });
    expect((await listMembers(one, room, { limit: 1 })).members).toEqual([first]);
  });

  test("are those that members last entered from", async () => {
    const room = await newRoom();
    const people = times(3, (n) => entrantOf(`moved-${n}`));
    const names = ["a", "b", "c"];
    await enterAll(
      one,
      people.map((who, n) => entry(room, who, { network: networkAt(names[n] as string) })),
      { roomMembers: 8 },
    );
    await enterAll(
      one,
      people.map((who) => entry(room, who, { network: networkAt("train") })),
      { roomMembers: 8 },
    );
    expect(await arrive(room, [networkAt("train")], 8)).toEqual(["crowded"]);
  });
});

describe("the queue of entries", () => {
  test("has a newcomer enter with the next commit, and refuses only the address with most requests waiting", async () => {
    const [crowded, quiet] = [await newRoom(), await newRoom()];
    const commit = createGroupCommit(one, { roomMembers: 2_000, queueFull: (queue) => new Error(`full of ${queue}`) });
    const order: string[] = [];
    const refused: string[] = [];
    const come = (id: string, roomId: number, share: string) =>
      commit.enter(entry(roomId, entrantOf(id)), { share }).then(
        () => void order.push(id),
        (error) => void refused.push(`${id}: ${error.message}`),
      );
    const coming: Promise<void>[] = [];
    await two.transaction(async (tx) => {
      await tx.raw("select from rooms where id = ? for update", [crowded]);
      for (let n = 0; n < 230; n += 1) coming.push(come(`storm-${n}`, crowded, "storm"));
      coming.push(come("neighbor", crowded, "another"));
      coming.push(come("newcomer", quiet, "third"));
      expect(commit.waiting()).toBe(200);
    });
    await Promise.all(coming);
    expect(order).toHaveLength(201);
    for (const id of ["neighbor", "newcomer"]) expect(order.indexOf(id)).toBeLessThan(51);
    expect(refused).toHaveLength(31);
    expect(refused.every((each) => /^storm-\d+: full of entries$/.test(each))).toBe(true);
  });
});

describe("a nickname that was given up", () => {
  const ann = entrantOf("ann-1", { nickname: "Ann", skeleton: "ann", color: COLORS[0] as string });
  const impostor = { ...ann, id: "ann-2" };

  async function roomThatAnnLeft(as: Entrant = ann): Promise<number> {
    const room = await newRoom();
    await enterRoom(one, room, as);
    await leaveRooms(one, [{ roomId: room, memberId: as.id }]);
    return room;
  }

  test("comes with another color and a tag for someone else, in the list and in the log", async () => {
    const room = await roomThatAnnLeft();
    const { results } = await enterAll(one, [entry(room, impostor)], { drafts: [message(room, impostor, "i-am-ann")] });
    const member = results[0]?.member;
    expect(member).toMatchObject({ id: "ann-2", nickname: "Ann", tag: "t4g" });
    expect(member?.color).not.toBe(ann.color);
    expect(COLORS).toContain(member?.color);
    const [entering, said] = (await logOf(room)).slice(-2);
    expect([entering?.member, said?.member]).toEqual([member, member]);
    expect((await listMembers(one, room, { limit: 9 })).members).toEqual([member]);
    // Choosing the old color again changes nothing.
    const again = await enterAll(one, [entry(room, impostor)]);
    expect(again.results[0]).toEqual({ outcome: "present", member });
  });

  test.each([
    ["the same session", ann],
    ["the same trip", entrantOf("ann-3", { nickname: "Ann", skeleton: "ann", trip: "◆ann" })],
  ])("comes back to its owner unchanged: %s", async (_, owner) => {
    const room = await roomThatAnnLeft({ ...owner, id: "ann-1" });
    const { results } = await enterAll(one, [entry(room, owner)]);
    expect(results[0]).toMatchObject({ outcome: "entered", member: { color: owner.color } });
    expect(results[0]?.member.tag).toBeUndefined();
  });

  test("comes back to its owner even after someone else has used it", async () => {
    const room = await roomThatAnnLeft();
    await enterAll(one, [entry(room, impostor)]);
    await leaveRooms(one, [{ roomId: room, memberId: impostor.id }]);
    const back = await enterAll(one, [entry(room, impostor)]);
    expect(back.results[0]?.member.tag).toBe("t4g");
    await leaveRooms(one, [{ roomId: room, memberId: impostor.id }]);
    const { results } = await enterAll(one, [entry(room, ann)]);
    expect(results[0]?.member).toEqual({ id: "ann-1", nickname: "Ann", color: ann.color });
  });

  test.each(["renamed", "swept"])("is watched after its owner was %s", async (how) => {
    const room = await newRoom();
    await enterRoom(one, room, ann);
    if (how === "renamed") await enterRoom(one, room, { ...ann, nickname: "Zoe", skeleton: "zoe" });
    else {
      await one("members")
        .where({ room_id: room })
        .update({ seen_at: one.raw("now() - interval '1 minute'") });
      await sweepMembers(one, { graceSeconds: 30 });
    }
    const { results } = await enterAll(one, [entry(room, impostor)]);
    expect(results[0]?.member.tag).toBe("t4g");
  });

  test("with a trip is refused to anyone without that trip", async () => {
    const room = await roomThatAnnLeft({ ...ann, trip: "◆ann" });
    for (const trip of [undefined, "◆other"]) {
      const who = trip === undefined ? impostor : { ...impostor, trip };
      expect((await enterAll(one, [entry(room, who)])).results[0]?.outcome).toBe("kept");
    }
  });

  test("is free after an hour", async () => {
    const room = await roomThatAnnLeft({ ...ann, trip: "◆ann" });
    await one("freed_names")
      .where({ room_id: room })
      .update({ freed_at: one.raw("now() - interval '61 minutes'") });
    const { results } = await enterAll(one, [entry(room, impostor)]);
    expect(results[0]?.member).toEqual({ id: "ann-2", nickname: "Ann", color: ann.color });
  });
});

describe("members who are gone", () => {
  test("all leave at once, and those in quiet rooms before a later flood", async () => {
    const [flooded, quiet] = [await newRoom(), await newRoom()];
    await one.raw(
      `insert into members (room_id, member_id, nickname, color, look, seen_at)
       select ?, 'gone-' || n, 'gone-' || n, '#b3261e', 'gone-' || n, now() - interval '1 minute'
       from generate_series(1, 6000) n`,
      [flooded],
    );
    await enterRoom(one, quiet, entrantOf("long-gone"));
    await one("members")
      .where({ room_id: quiet })
      .update({ seen_at: one.raw("now() - interval '1 hour'") });
    await enterAll(one, [entry(flooded, entrantOf("here"))], { roomMembers: 10_000 });
    expect(await sweepMembers(one, { graceSeconds: 30 })).toBe(6_001);
    const { members } = await listMembers(one, flooded, { limit: 9 });
    expect(members.map(({ id }) => id)).toEqual(["here"]);
    const [left] = (await logOf(quiet)).slice(-1);
    const before = (await logOf(flooded)).filter(({ kind, at }) => kind === "leave" && at < (left?.at as string));
    // Only those of its own batch.
    expect(before.length).toBeLessThan(200);
  });
});
