import "../support/fixed-seed.ts";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { RoomEvent } from "../../protocol/event.ts";
import { clientId, openNode, person, say, type TestNode, type TestPerson } from "../support/app.ts";
import { createDatabase } from "../support/database.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";
import { TwoLogs, WAYS } from "../support/two-logs.ts";
import { tryWhisper } from "../support/whisper.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let steady: TestNode;
let dying: SiteProcess;

beforeAll(async () => {
  database = await createDatabase();
  steady = await openNode(database.url);
  dying = await startSite(database.url);
}, 60_000);

afterAll(async () => {
  await endSites();
  await steady?.close();
  await database?.drop();
});

/** One step: Ann or Ben whispers to the other, or Cai speaks, at a node; or a node is killed. */
type Step = { act: "ann" | "ben" | "cai" | "kill"; at: boolean };

const steps = fc.array(
  fc.record<Step>({
    act: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom("ann" as const, "ben" as const, "cai" as const) },
      { weight: 1, arbitrary: fc.constant("kill" as const) },
    ),
    at: fc.boolean(),
  }),
  { minLength: 12, maxLength: 24 },
);

test("whichever node dies, both sides read each whisper once and in order in every way, and others none", async () => {
  let rooms = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      rooms += 1;
      await play(`whispers-${rooms}`, history);
    }),
    { numRuns: 1, endOnFailure: true },
  );
}, 180_000);

async function play(room: string, history: Step[]): Promise<void> {
  await steady.app.site.db("rooms").insert({ slug: room, title: room, skeleton: room });
  const [ann, ben, cai] = [
    await person(steady.url, "Ann"),
    await person(steady.url, "Ben"),
    await person(steady.url, "Cai"),
  ];
  for (const who of [ann, ben]) await say(steady.url, who, { room, text: "here" });
  const { cursor } = await say(steady.url, cai, { room, text: "here" });
  const urls = (): [string, string] => [steady.url, dying.url];
  const readers = [ann, ben, cai].flatMap((who, person) =>
    WAYS.map((way, n) => ({ who, reader: new TwoLogs({ way, who, room, cursor, n: n + person, urls }) })),
  );
  const reading = readers.map(({ reader }) => reader.read());
  const whispered: string[] = [];
  for (const [n, { act, at }] of history.entries()) {
    const text = `words ${n} of ${room}`;
    if (act === "kill") {
      await dying.kill("SIGKILL");
      dying = await startSite(database.url);
    } else if (act === "cai") await surely(at, (url, id) => say(url, cai, { room, text, id }));
    else {
      const [from, to] = act === "ann" ? [ann, ben] : [ben, ann];
      await surely(at, async (url, id) => {
        const { status } = await tryWhisper(url, from, { room, to: to.id, text, id });
        if (status > 201) throw new Error(`answered with ${status}`);
      });
      whispered.push(text);
    }
  }
  const last = await say(steady.url, cai, { room, text: "the end" });
  const of = (who: TestPerson) => (who === cai ? [] : whispered);
  for (const { who, reader } of readers) reader.end({ seq: last.event.seq, whispers: of(who).length });
  await Promise.all(reading);
  for (const { who, reader } of readers)
    expect([reader.way, reader.faults, reader.whispers]).toEqual([reader.way, [], of(who)]);
  // A Durable Stream is the room alone, for everybody.
  for (const { token } of [ann, ben, cai]) {
    const durable = await fetch(`${steady.url}/api/rooms/${room}/durable?offset=-1&token=${token}`);
    const texts = ((await durable.json()) as RoomEvent[]).map(({ text }) => text);
    expect(texts.filter((text) => text !== undefined && whispered.includes(text))).toEqual([]);
  }
}

/** Repeats at the other node, under the same id, what a dying node does not answer. */
async function surely(at: boolean, act: (url: string, id: string) => Promise<unknown>): Promise<void> {
  const id = clientId();
  await act(at ? dying.url : steady.url, id).catch(() => act(steady.url, id));
}
