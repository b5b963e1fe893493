import { describe, expect, test } from "@jest/globals";
import {
  begin,
  createLedger,
  cursorsOf,
  follow,
  type Ledger,
  seqOf,
  settle,
  takeAnswered,
  takeEvent,
  takePing,
  takeReset,
  unfollow,
} from "../../client/core/reading/ledger.ts";
import type { PollAnswer, ResetSignal, RoomEvent } from "../../protocol/event.ts";

const member = { id: "m1", nickname: "Ann", color: "#b3261e" };

function eventOf(seq: number, room = "lobby"): RoomEvent {
  return { room, seq, kind: "message", member, at: "2026-11-22T12:00:00Z", text: `message ${seq}` };
}

function resetOf(head: number): ResetSignal {
  return { room: "lobby", reason: "epoch", cursor: `c${head}`, oldest: 1, head };
}

function answerOf(events: RoomEvent[], cursor: string): PollAnswer {
  return { chattera: 1, events, signals: [], cursor };
}

/** Reads the lobby after its event 4. */
function ledgerOf(): Ledger {
  return createLedger([{ room: "lobby", cursor: "c4", seq: 4 }]);
}

describe("a ledger", () => {
  test("takes each event of a stream once, in order, and moves its cursor", () => {
    const ledger = ledgerOf();
    expect(takeEvent(ledger, { data: eventOf(5), cursor: "c5" }, ["c4"])).toMatchObject({
      isNew: true,
      events: [eventOf(5)],
    });
    expect(takeEvent(ledger, { data: eventOf(5), cursor: "c5" }, ["c4"])).toMatchObject({
      isNew: false,
      events: [],
      hasGap: false,
    });
    expect([seqOf(ledger, "lobby"), cursorsOf(ledger)]).toEqual([5, ["c5"]]);
  });

  test("does not take an event after a gap, and reports the gap at each ping until it is closed", () => {
    const ledger = ledgerOf();
    expect(takeEvent(ledger, { data: eventOf(6), cursor: "c6" }, ["c4"])).toMatchObject({ events: [], hasGap: true });
    expect(takePing(ledger, { cursor: "c6", heads: { lobby: 6, elsewhere: 9 } })).toMatchObject({
      heads: [{ room: "lobby", seq: 6 }],
      hasGap: true,
    });
    takeAnswered(ledger, eventOf(5), ["c4"]);
    takeAnswered(ledger, eventOf(6), ["c4"]);
    expect(takePing(ledger, { cursor: "c6", heads: {} }).hasGap).toBe(false);
  });

  test("resets a room whose log begins later than requested, and takes the events that remain", () => {
    const ledger = ledgerOf();
    const reset = { room: "lobby", reason: "pruned", cursor: "", oldest: 8, head: 8 };
    expect(takeAnswered(ledger, eventOf(8), ["c4"])).toMatchObject({ reset, events: [eventOf(8)] });
    expect(takeAnswered(ledger, eventOf(10), ["elsewhere"])).toMatchObject({ reset: undefined, events: [] });
  });

  test("takes a reset of its own cursors, and reports a gap at a reset of others", () => {
    const ledger = ledgerOf();
    expect(takeReset(ledger, resetOf(9), ["c3"])).toMatchObject({ reset: undefined, hasGap: true });
    expect(takeReset(ledger, resetOf(9), ["c4"])).toMatchObject({ reset: resetOf(9), hasGap: false });
    expect([seqOf(ledger, "lobby"), cursorsOf(ledger)]).toEqual([9, ["c9"]]);
  });

  test("reads on before the oldest event after a reset because of pruning", () => {
    const ledger = ledgerOf();
    takeReset(ledger, { room: "lobby", reason: "pruned", cursor: "c6", oldest: 7, head: 9 }, ["c4"]);
    expect(takeEvent(ledger, { data: eventOf(7), cursor: "c7" }, ["c6"])).toMatchObject({ events: [eventOf(7)] });
    expect([seqOf(ledger, "lobby"), cursorsOf(ledger)]).toEqual([7, ["c7"]]);
  });

  test("moves a cursor behind an answer only if the room is at the answer's last event", () => {
    const ledger = ledgerOf();
    follow(ledger, { room: "another", cursor: "c0", seq: 0 });
    const answer = answerOf([eventOf(5), eventOf(1, "another")], "c5.1");
    for (const event of answer.events) takeAnswered(ledger, event, ["c4", "c0"]);
    takeEvent(ledger, { data: eventOf(6), cursor: "c6.1" }, ["c4", "c0"]);
    settle(ledger, answer);
    expect(cursorsOf(ledger)).toEqual(["c6.1", "c5.1"]);
  });

  test("asks with no cursor that lies behind an event that it has dropped, in any log", () => {
    const ledger = ledgerOf();
    follow(ledger, { room: "other", cursor: "c4.2", seq: 2 });
    takeEvent(ledger, { data: eventOf(6), cursor: "c6.2" }, ["c4", "c4.2"]);
    takeEvent(ledger, { data: eventOf(3, "other"), cursor: "c6.3" }, ["c4", "c4.2"]);
    expect([seqOf(ledger, "other"), cursorsOf(ledger)]).toEqual([3, ["c4", "c4.2"]]);
  });

  test("moves no cursor behind an answer with an event that was not taken", () => {
    const ledger = ledgerOf();
    follow(ledger, { room: "other", cursor: "c4.2", seq: 2 });
    // Another connection has moved the inbox on since this poll asked.
    takeEvent(ledger, { data: eventOf(5), cursor: "c5" }, ["c4"]);
    const events = [eventOf(1, "@lobby"), eventOf(3, "other")];
    for (const event of events) takeAnswered(ledger, event, ["c4", "c4.2"]);
    settle(ledger, answerOf(events, "c5.3~1"));
    expect([seqOf(ledger, "other"), cursorsOf(ledger)]).toEqual([3, ["c5", "c4.2"]]);
  });

  test("begins a room without a cursor where its connection begins, and drops events of rooms that are not followed", () => {
    const ledger = createLedger([{ room: "lobby", cursor: "", seq: -1 }]);
    begin(ledger, "c7");
    expect(cursorsOf(ledger)).toEqual(["c7"]);
    unfollow(ledger, "lobby");
    expect(takeEvent(ledger, { data: eventOf(8), cursor: "c8" }, ["c7"])).toMatchObject({ isNew: false, events: [] });
  });

  test("does not change its arguments", () => {
    const ledger = createLedger([{ room: "lobby", cursor: "", seq: -1 }]);
    const given = Object.freeze([Object.freeze(eventOf(8)), Object.freeze(resetOf(9))] as const);
    const asked = Object.freeze([] as string[]) as string[];
    begin(ledger, "c7");
    takeEvent(ledger, { data: given[0], cursor: "c8" }, asked);
    takeReset(ledger, given[1], asked);
    settle(ledger, Object.freeze(answerOf([given[0]], "c8")));
    expect(asked).toEqual([]);
  });
});
