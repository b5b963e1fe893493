import "../support/fixed-seed.ts";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { PollAnswer, RoomEvent } from "../../protocol/event.ts";
import { clientId, openNode, person, say, type TestNode, type TestPerson } from "../support/app.ts";
import { createDatabase } from "../support/database.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";
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

test("whichever node dies, both sides read each whisper once and in order, and a third reader none", async () => {
  let rooms = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      rooms += 1;
      await play(`whispers-${rooms}`, history);
    }),
    { numRuns: 2 },
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
  const readers = [ann, ben, cai].map((who, n) => new Reader({ who, room, cursor, visits: n }));
  const reading = readers.map((reader) => reader.read());
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
  for (const reader of readers) reader.end({ seq: last.event.seq, whispers: whispered.length });
  readers[2]?.end({ seq: last.event.seq, whispers: 0 });
  await Promise.all(reading);
  for (const { faults } of readers) expect(faults).toEqual([]);
  expect(readers.map(({ whispers }) => whispers)).toEqual([whispered, whispered, []]);
}

/** Repeats at the other node, under the same id, what a dying node does not answer. */
async function surely(at: boolean, act: (url: string, id: string) => Promise<unknown>): Promise<void> {
  const id = clientId();
  await act(at ? dying.url : steady.url, id).catch(() => act(steady.url, id));
}

type ReaderOptions = { who: TestPerson; room: string; cursor: string; visits: number };

/** A reader that polls another node each time, and goes on from its cursor. */
class Reader {
  readonly whispers: (string | undefined)[] = [];
  readonly faults: string[] = [];
  readonly #options: ReaderOptions;
  readonly #seqs = new Map<string, number>();
  #end = { seq: Number.POSITIVE_INFINITY, whispers: 0 };
  #cursor: string;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#cursor = options.cursor;
  }

  end(end: { seq: number; whispers: number }): void {
    this.#end = end;
  }

  async read(): Promise<void> {
    const { room } = this.#options;
    while ((this.#seqs.get(room) ?? 0) < this.#end.seq || this.whispers.length < this.#end.whispers) {
      this.#options.visits += 1;
      // A node that is killed in the middle of an answer is no fault.
      await this.#visit(this.#options.visits % 2 ? steady.url : dying.url).catch(() => undefined);
    }
  }

  async #visit(url: string): Promise<void> {
    const { who, room } = this.#options;
    const path = `/api/poll?room=${room}&after=${this.#cursor}&wait=1&token=${who.token}`;
    const response = await fetch(url + path, { signal: AbortSignal.timeout(3_000) });
    const { events, cursor } = (await response.json()) as PollAnswer;
    for (const event of events) this.#take(event);
    this.#cursor = cursor;
  }

  #take({ room, seq, kind, text }: RoomEvent): void {
    const before = this.#seqs.get(room);
    const isFirst = before === undefined && (kind !== "whisper" || seq === 1);
    if (!isFirst && seq !== (before ?? 0) + 1) this.faults.push(`${seq} came after ${before} in ${room}`);
    this.#seqs.set(room, seq);
    if (kind === "whisper") this.whispers.push(text);
  }
}
