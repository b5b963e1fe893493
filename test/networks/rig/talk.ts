import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../support/until.ts";
import { judge, type Outage, percentile, type Said } from "./judge.ts";
import { createRoom, openMouth } from "./mouth.ts";
import { type Network, type Running, type SiteBehind, WITHIN_MS } from "./network.ts";
import type { Kind, Person } from "./person.ts";

/** When messages are said: so many over so long, a silence, and the rest. The network strikes during the first part. */
export type Pace = { remarks: number; overMs: number; silenceMs: number; thenRemarks: number; thenOverMs: number };

/** Talk, ten seconds of silence, in which what the network forgets is forgotten, and talk: 40 messages. */
export const PACE: Pace = { remarks: 16, overMs: 4_000, silenceMs: 10_000, thenRemarks: 24, thenOverMs: 6_000 };

/** What became of a talk. */
export type Outcome = {
  network: string;
  kind: string;
  /** Nothing lost, doubled or out of order at either reader, 95 of 100 deliveries in time, and none much later. */
  survived: boolean;
  /** Messages never shown, shown twice, and shown after a later one, at both readers. */
  lost: number;
  doubled: number;
  reordered: number;
  /** From sitting down to the first message shown, of the slower reader. */
  firstMs: number;
  /** From saying to showing, without the time in which the network let nobody through. */
  p50Ms: number;
  p95Ms: number;
  maxMs: number;
  /** What the machine takes: 95 of 100 messages said before the network reached a reader before it in this time. */
  besideMs: number;
  transports: string[];
  notices: string[];
  /** Why there was no talk. */
  failure?: string;
};

type Reader = { person: Person; satMs: number; from: number };
type Cleanup = (end: () => Promise<void> | void) => void;

/** Longer than any client needs that is not lost. */
const PATIENCE_MS = 20_000;
const SITTING_MS = 60_000;
/** What one delivery of twenty may take more: a request that met a reset, and its retry's too. */
const LATEST_MS = 3_000;
const STRIKE_AFTER_MS = 1_500;

/** Two readers and a writer behind a network, a writer before it: do both readers see everything once, in order, soon? */
export async function talk(network: Network, site: SiteBehind, kind: Kind, pace = PACE): Promise<Outcome> {
  const ends: Parameters<Cleanup>[0][] = [];
  const talking = hold(network, site, kind, pace, (end) => ends.unshift(end));
  const outcome = await talking.catch((error) => noTalk(network, kind, error));
  // Everything that was opened is closed, also after what could not be.
  const failed = (await Promise.allSettled(ends.map(async (end) => end()))).find(({ status }) => status === "rejected");
  return failed?.status === "rejected" ? noTalk(network, kind, failed.reason) : outcome;
}

function noTalk(network: Network, kind: Kind, error: unknown): Outcome {
  const failure = error instanceof Error ? error.message : String(error);
  const none = { lost: 0, doubled: 0, reordered: 0, firstMs: 0, p50Ms: 0, p95Ms: 0, maxMs: 0, besideMs: 0 };
  return { network: network.name, kind: kind.name, survived: false, ...none, transports: [], notices: [], failure };
}

async function hold(network: Network, site: SiteBehind, kind: Kind, pace: Pace, after: Cleanup): Promise<Outcome> {
  const room = `net-${randomUUID().slice(0, 13)}`;
  await createRoom(site.url, room);
  const before = await openMouth(site.url, room, "Before");
  after(before.close);
  const seats = await takeSeats(network, site, after);
  const said: Said[] = [];
  const sayBefore = (text: string) => {
    said.push({ text, atMs: Date.now() });
    void before.say(text);
  };
  const sayBehind = async (text: string) => {
    const remark = { text, atMs: Date.now() };
    said.push(remark);
    await behind.say(text);
    remark.atMs = Date.now();
  };

  const urls = [seatOf(seats, 0).url, seatOf(seats, 1).url, site.url];
  const [first, second, beside] = (await Promise.all(
    urls.map(async (url, n): Promise<Reader> => {
      const satMs = Date.now();
      const person = await sit(kind, url, room, after);
      const reader = { person, satMs, from: said.length };
      sayBefore(`hello${n} 1`);
      return reader;
    }),
  )) as [Reader, Reader, Reader];
  const readers = [first, second];
  const behind = await sit(kind, seatOf(seats, 2).url, room, after, "Behind");
  const outages: Outage[] = [];
  const struck = strike(seats, outages);
  const next = (n: number) => (n % 2 ? sayBefore(`before ${n}`) : void sayBehind(`behind ${n}`));
  await speak(0, pace.remarks, pace.overMs, next);
  await sleep(pace.silenceMs);
  await speak(pace.remarks, pace.thenRemarks, pace.thenOverMs, next);
  await struck;
  const isDone = ({ person, from }: Reader) => said.slice(from).every(({ text }) => isShown(person, text));
  await until("all has been shown", () => readers.every(isDone), PATIENCE_MS).catch(() => undefined);
  return outcome(network, kind, readers, beside, said, outages);
}

async function takeSeats(network: Network, site: SiteBehind, after: Cleanup): Promise<Running[]> {
  const seats: Running[] = [];
  for (let n = 0; n < (network.each ? 3 : 1); n += 1) {
    const seat = await network.start(site);
    after(seat.close);
    seats.push(seat);
  }
  return seats;
}

function seatOf(seats: Running[], n: number): Running {
  return (seats[n] ?? seats[0]) as Running;
}

async function sit(kind: Kind, url: string, room: string, after: Cleanup, nickname?: string): Promise<Person> {
  const sitting = kind.sit(url, room, nickname);
  const late = sleep(SITTING_MS, undefined, { ref: false });
  const person = await Promise.race([sitting, late]);
  if (person) {
    after(person.close);
    return person;
  }
  sitting.then(({ close }) => close()).catch(() => undefined);
  throw new Error(`nobody could sit down in ${SITTING_MS / 1_000} s`);
}

/** Nobody can be reached in the meantime, which is not held against them. */
async function strike(seats: Running[], outages: Outage[]): Promise<void> {
  if (seats[0]?.strike === undefined) return;
  await sleep(STRIKE_AFTER_MS);
  const outage = { fromMs: Date.now(), toMs: Number.POSITIVE_INFINITY };
  outages.push(outage);
  await Promise.all(seats.map((seat) => seat.strike?.()));
  outage.toMs = Date.now();
}

/** Open loop: a message is said when its time has come, whether or not the one before was stored. */
async function speak(from: number, count: number, overMs: number, say: (n: number) => void): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    say(from + n);
    await sleep(overMs / count);
  }
}

function isShown({ seen }: Person, text: string): boolean {
  return seen.some((one) => one.text === text);
}

async function outcome(
  network: Network,
  kind: Kind,
  readers: Reader[],
  beside: Reader,
  said: Said[],
  outages: Outage[],
): Promise<Outcome> {
  const looks = await Promise.all(readers.map(({ person }) => person.lastLook()));
  const verdicts = readers.map(({ person, from }) => judge(said.slice(from), person.seen, outages));
  const sum = (count: "lost" | "doubled" | "reordered") =>
    verdicts.reduce((total, verdict) => total + verdict[count], 0);
  const delaysMs = verdicts.flatMap((verdict) => verdict.delaysMs);
  const [lost, doubled, reordered] = [sum("lost"), sum("doubled"), sum("reordered")];
  const p95Ms = percentile(delaysMs, 0.95);
  const maxMs = Math.max(0, ...delaysMs);
  const saidBefore = said.slice(beside.from).filter(({ text }) => text.startsWith("before "));
  const besideMs = percentile(judge(saidBefore, beside.person.seen, outages).delaysMs, 0.95);
  const withinMs = (network.withinMs ?? WITHIN_MS) + besideMs;
  const isLate = p95Ms > withinMs || maxMs > withinMs + LATEST_MS;
  return {
    network: network.name,
    kind: kind.name,
    survived: lost + doubled + reordered === 0 && !isLate,
    lost,
    doubled,
    reordered,
    firstMs: Math.max(...readers.map(firstMs)),
    p50Ms: percentile(delaysMs, 0.5),
    p95Ms,
    maxMs,
    besideMs,
    transports: [...new Set(looks.map(({ transport }) => transport))],
    notices: [...new Set(looks.flatMap(({ notices }) => notices))],
  };
}

function firstMs({ person, satMs }: Reader): number {
  const first = person.seen.find(({ text }) => text !== "");
  return first ? first.atMs - satMs : Number.NaN;
}
