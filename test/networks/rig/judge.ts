import type { Sighting } from "./person.ts";

/** A message and when it was sent. */
export type SentMessage = { text: string; atMs: number };

/** A time in which the network let nothing through. */
export type RigOutage = { fromMs: number; toMs: number };

/** The events that one reader was shown, compared with the messages since it joined. */
export type Verdict = { lost: number; doubled: number; reordered: number; delaysMs: number[] };

/** Compares the messages that were sent with those that were shown. */
export function judge(sent: SentMessage[], seen: Sighting[], outages: RigOutage[]): Verdict {
  const delaysMs: number[] = [];
  let lost = 0;
  for (const { text, atMs } of sent) {
    const shown = seen.find((one) => one.text === text);
    if (shown) delaysMs.push(Math.max(0, shown.atMs - atMs - overlapMs({ fromMs: atMs, toMs: shown.atMs }, outages)));
    else lost += 1;
  }
  return { lost, delaysMs, doubled: doubles(seen), reordered: descents(seen) };
}

/** A message of a talk: its sender and its number. Excludes the lines about people who enter. */
const MESSAGE = /^(\w+) (\d+)$/;

/** A line can be doubled by its seq (shown twice) or by its text (stored twice). */
function doubles(seen: Sighting[]): number {
  const texts = seen.map(({ text }) => text).filter((text) => MESSAGE.test(text));
  return Math.max(seen.length - new Set(seen.map(({ seq }) => seq)).size, texts.length - new Set(texts).size);
}

/**
 * Counts by seq, and by the number in each sender's texts: messages must be stored in the order of
 * sending.
 */
function descents(seen: Sighting[]): number {
  let count = 0;
  let lastSeq = 0;
  const last: { [speaker: string]: number } = {};
  for (const { seq, text } of seen) {
    const [, speaker = "", number = "0"] = MESSAGE.exec(text) ?? [];
    if (seq < lastSeq || (speaker !== "" && Number(number) < (last[speaker] ?? 0))) count += 1;
    lastSeq = Math.max(lastSeq, seq);
    last[speaker] = Math.max(last[speaker] ?? 0, Number(number));
  }
  return count;
}

function overlapMs({ fromMs, toMs }: RigOutage, outages: RigOutage[]): number {
  const shares = outages.map((outage) => Math.min(toMs, outage.toMs) - Math.max(fromMs, outage.fromMs));
  return shares.reduce((sum, share) => sum + Math.max(0, share), 0);
}

/** Returns the value below which the given share of the values lies. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
