import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../support/until.ts";
import { judge, percentile, type RigOutage, type SentMessage } from "./judge.ts";
import { type HostileNetwork, type Running, type SiteBehind, WITHIN_MS } from "./network.ts";
import type { Kind, Participant } from "./person.ts";
import { createRoom, openSpeaker } from "./speaker.ts";

/**
 * When messages are sent: `messages` of them over `overMs`, a silence, and the rest. The network's
 * incident happens during the first part.
 */
export type Pace = { messages: number; overMs: number; silenceMs: number; thenMessages: number; thenOverMs: number };

/**
 * Messages, ten seconds of silence in which idle connections are forgotten, and messages: 40 in
 * all.
 */
export const PACE: Pace = { messages: 16, overMs: 4_000, silenceMs: 10_000, thenMessages: 24, thenOverMs: 6_000 };

/** A talk: participants of a kind in a room behind a network. */
export type RigTalk = { network: HostileNetwork; site: SiteBehind; kind: Kind; pace?: Pace };

/** The outcome of a talk. */
export type TalkOutcome = {
  network: string;
  kind: string;
  /**
   * Nothing lost, doubled or out of order at either reader, 95 of 100 deliveries in time, none much
   * later.
   */
  survived: boolean;
  /** Messages never shown, shown twice, and shown after a later one, at both readers. */
  lost: number;
  doubled: number;
  reordered: number;
  /** From joining to the first message shown, of the slower reader. */
  firstMs: number;
  /** From sending to showing, without the time in which the network let nothing through. */
  p50Ms: number;
  p95Ms: number;
  maxMs: number;
  /**
   * The machine's own share: the 95th percentile at a reader that is connected without the network.
   */
  directMs: number;
  transports: string[];
  notices: string[];
  /** Why the talk could not take place. */
  failure?: string;
};

type Reader = { participant: Participant; joinedMs: number; from: number };

/**
 * A talk under way: its room, its messages and outages so far, and what must be closed after it.
 */
type Course = { room: string; sent: SentMessage[]; outages: RigOutage[]; ends: (() => Promise<void> | void)[] };

/** Longer than any client needs to show a message that is not lost. */
const PATIENCE_MS = 20_000;
const JOINING_MS = 60_000;
/**
 * The extra time that one delivery of twenty may take: a request that met a reset, and its retry.
 */
const LATEST_MS = 3_000;
const INCIDENT_AFTER_MS = 1_500;

/**
 * Runs a talk with two readers and a writer behind the network and another writer before it. Both
 * readers must see every message once, in order, and soon.
 */
export async function talk(about: RigTalk): Promise<TalkOutcome> {
  const course: Course = { room: `net-${randomUUID().slice(0, 13)}`, sent: [], outages: [], ends: [] };
  const outcome = await hold(about, course).catch((error) => noTalk(about, error));
  // Close everything that was opened, even if one of them cannot be closed.
  const closed = await Promise.allSettled(course.ends.map(async (end) => end()));
  const failed = closed.find(({ status }) => status === "rejected");
  return failed?.status === "rejected" ? noTalk(about, failed.reason) : outcome;
}

function noTalk({ network, kind }: RigTalk, error: unknown): TalkOutcome {
  const failure = error instanceof Error ? error.message : String(error);
  const none = { lost: 0, doubled: 0, reordered: 0, firstMs: 0, p50Ms: 0, p95Ms: 0, maxMs: 0, directMs: 0 };
  return { network: network.name, kind: kind.name, survived: false, ...none, transports: [], notices: [], failure };
}

async function hold(about: RigTalk, course: Course): Promise<TalkOutcome> {
  const { site, pace = PACE } = about;
  const { room, sent, ends } = course;
  await createRoom(site.url, room);
  const before = await openSpeaker(site.url, room, "Before");
  ends.unshift(before.close);
  const networks = await startNetworks(about, ends);
  const sendBefore = (text: string) => {
    sent.push({ text, atMs: Date.now() });
    void before.say(text);
  };
  const sendBehind = async (text: string) => {
    const message = { text, atMs: Date.now() };
    sent.push(message);
    await behind.say(text);
    message.atMs = Date.now();
  };

  const urls = [networkOf(networks, 0).url, networkOf(networks, 1).url, site.url];
  const [first, second, direct] = (await Promise.all(
    urls.map(async (url, n): Promise<Reader> => {
      const joinedMs = Date.now();
      const participant = await join(about.kind, { url }, course);
      const reader = { participant, joinedMs, from: sent.length };
      sendBefore(`hello${n} 1`);
      return reader;
    }),
  )) as [Reader, Reader, Reader];
  const readers = [first, second];
  const behind = await join(about.kind, { url: networkOf(networks, 2).url, nickname: "Behind" }, course);
  const incident = causeIncident(networks, course.outages);
  const next = (n: number) => (n % 2 ? sendBefore(`before ${n}`) : void sendBehind(`behind ${n}`));
  await sendOverTime({ from: 0, count: pace.messages, overMs: pace.overMs }, next);
  await sleep(pace.silenceMs);
  await sendOverTime({ from: pace.messages, count: pace.thenMessages, overMs: pace.thenOverMs }, next);
  await incident;
  const isDone = ({ participant, from }: Reader) => sent.slice(from).every(({ text }) => isShown(participant, text));
  await until("everything has been shown", () => readers.every(isDone), PATIENCE_MS).catch(() => undefined);
  return outcomeOf(about, course, { readers, direct });
}

async function startNetworks({ network, site }: RigTalk, ends: Course["ends"]): Promise<Running[]> {
  const networks: Running[] = [];
  for (let n = 0; n < (network.each ? 3 : 1); n += 1) {
    const running = await network.start(site);
    ends.unshift(running.close);
    networks.push(running);
  }
  return networks;
}

function networkOf(networks: Running[], n: number): Running {
  return (networks[n] ?? networks[0]) as Running;
}

type Entrance = { url: string; nickname?: string };

async function join(kind: Kind, { url, nickname }: Entrance, { room, ends }: Course): Promise<Participant> {
  const joining = kind.join(url, room, nickname);
  const late = sleep(JOINING_MS, undefined, { ref: false });
  const participant = await Promise.race([joining, late]);
  if (participant) {
    ends.unshift(participant.close);
    return participant;
  }
  joining.then(({ close }) => close()).catch(() => undefined);
  throw new Error(`could not join within ${JOINING_MS / 1_000} s`);
}

/** Causes the incident and records it, because its time does not count against anyone. */
async function causeIncident(networks: Running[], outages: RigOutage[]): Promise<void> {
  if (networks[0]?.strike === undefined) return;
  await sleep(INCIDENT_AFTER_MS);
  const outage = { fromMs: Date.now(), toMs: Number.POSITIVE_INFINITY };
  outages.push(outage);
  await Promise.all(networks.map((network) => network.strike?.()));
  outage.toMs = Date.now();
}

type Stretch = { from: number; count: number; overMs: number };

/** Sends in an open loop: each message at its time, whether or not the one before it was stored. */
async function sendOverTime({ from, count, overMs }: Stretch, send: (n: number) => void): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    send(from + n);
    await sleep(overMs / count);
  }
}

function isShown({ seen }: Participant, text: string): boolean {
  return seen.some((one) => one.text === text);
}

async function outcomeOf(
  { network, kind }: RigTalk,
  { sent, outages }: Course,
  { readers, direct }: { readers: Reader[]; direct: Reader },
): Promise<TalkOutcome> {
  const states = await Promise.all(readers.map(({ participant }) => participant.lastState()));
  const verdicts = readers.map(({ participant, from }) => judge(sent.slice(from), participant.seen, outages));
  const sum = (count: "lost" | "doubled" | "reordered") =>
    verdicts.reduce((total, verdict) => total + verdict[count], 0);
  const delaysMs = verdicts.flatMap((verdict) => verdict.delaysMs);
  const [lost, doubled, reordered] = [sum("lost"), sum("doubled"), sum("reordered")];
  const p95Ms = percentile(delaysMs, 0.95);
  const maxMs = Math.max(0, ...delaysMs);
  const sentBefore = sent.slice(direct.from).filter(({ text }) => text.startsWith("before "));
  const directMs = percentile(judge(sentBefore, direct.participant.seen, outages).delaysMs, 0.95);
  const withinMs = (network.withinMs ?? WITHIN_MS) + directMs;
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
    directMs,
    transports: [...new Set(states.map(({ transport }) => transport))],
    notices: [...new Set(states.flatMap(({ notices }) => notices))],
  };
}

function firstMs({ participant, joinedMs }: Reader): number {
  const first = participant.seen.find(({ text }) => text !== "");
  return first ? first.atMs - joinedMs : Number.NaN;
}
