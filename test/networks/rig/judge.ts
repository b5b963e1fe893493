import type { Sighting } from "./person.ts";

/** A message, and when it was said. */
export type Said = { text: string; atMs: number };

/** A time in which the network let nobody through. */
export type Outage = { fromMs: number; toMs: number };

/** What one reader was shown, against what was said since it sat down. */
export type Verdict = { lost: number; doubled: number; reordered: number; delaysMs: number[] };

/** Compares what was said with what was shown. */
export function judge(said: Said[], seen: Sighting[], outages: Outage[]): Verdict {
  const delaysMs: number[] = [];
  let lost = 0;
  for (const { text, atMs } of said) {
    const shown = seen.find((one) => one.text === text);
    if (shown) delaysMs.push(Math.max(0, shown.atMs - atMs - overlapMs({ fromMs: atMs, toMs: shown.atMs }, outages)));
    else lost += 1;
  }
  return { lost, delaysMs, doubled: doubles(seen), reordered: descents(seen) };
}

/** Who speaks, and how manieth of his messages this is; what a page says of people coming is none. */
const REMARK = /^(\w+) (\d+)$/;

/** A line may come twice by its seq (shown twice), or by its text (stored twice). */
function doubles(seen: Sighting[]): number {
  const texts = seen.map(({ text }) => text).filter((text) => REMARK.test(text));
  return Math.max(seen.length - new Set(seen.map(({ seq }) => seq)).size, texts.length - new Set(texts).size);
}

/** By seq, and by the number in the texts of each speaker: what somebody said first must be stored first. */
function descents(seen: Sighting[]): number {
  let count = 0;
  let lastSeq = 0;
  const last: { [speaker: string]: number } = {};
  for (const { seq, text } of seen) {
    const [, speaker = "", number = "0"] = REMARK.exec(text) ?? [];
    if (seq < lastSeq || (speaker !== "" && Number(number) < (last[speaker] ?? 0))) count += 1;
    lastSeq = Math.max(lastSeq, seq);
    last[speaker] = Math.max(last[speaker] ?? 0, Number(number));
  }
  return count;
}

function overlapMs({ fromMs, toMs }: Outage, outages: Outage[]): number {
  const shares = outages.map((outage) => Math.min(toMs, outage.toMs) - Math.max(fromMs, outage.fromMs));
  return shares.reduce((sum, share) => sum + Math.max(0, share), 0);
}

/** The value below which such a share of them lies. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
