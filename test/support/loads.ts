import { parseCursor } from "../../protocol/cursor.ts";
import { inPieces } from "../networks/rig/hold.ts";
import type { Misbehaviour } from "../networks/rig/proxy.ts";

/** One page of a live log, as it was sent to a browser. */
export type PageLoad = {
  /** The seq that the page continues after. `undefined` if the browser named no cursor. */
  after: number | undefined;
  /** Returns the seqs of the lines that have been sent, in the order of the document. */
  seqs(): number[];
};

/**
 * Records every load of a live log that passes a proxy, also one that a browser shows only for a
 * moment. Use it as the misbehavior that is nearest to the browser.
 */
export function recordLoads(): { loads: PageLoad[]; record: Misbehaviour } {
  const loads: PageLoad[] = [];
  const record: Misbehaviour = (asked, pass) => {
    if (!LIVE.test(asked.path)) return pass(asked);
    let html = "";
    loads.push({ after: seqAfter(asked.path), seqs: () => seqsIn(html) });
    return inPieces(async function* (pieces) {
      for await (const piece of pieces) {
        html += piece.toString("latin1");
        yield piece;
      }
    })(asked, pass);
  };
  return { loads, record };
}

/**
 * Returns what is wrong with the loads of one reader: one without a hole or a double continues
 * exactly where the load before it ended.
 */
export function faultsOf(loads: PageLoad[]): string[] {
  return loads.flatMap((load, n) => {
    const name = `load ${n}, after ${load.after}`;
    const seqs = sorted(load);
    const faults = seqs.every((seq, i) => seq === (seqs[0] as number) + i) ? [] : [`${name}: ${seqs}`];
    if (n === 0) return faults;
    const end = endOf(loads[n - 1] as PageLoad);
    return load.after === end ? faults : [...faults, `${name}: the load before it ends with ${end}`];
  });
}

/** Returns how many of the loads brought a message as a new one, not as context. */
export function timesBrought(loads: PageLoad[], seq: number): number {
  return loads.filter((load) => load.seqs().includes(seq) && seq > (load.after ?? Number.POSITIVE_INFINITY)).length;
}

const LIVE = /\/live(\/refresh=[^/]*)?(\/after=[^/]*)?(;[^/]*)?$/;

function seqAfter(path: string): number | undefined {
  const cursor = /\/after=([^/;]+)/.exec(path)?.[1];
  return cursor === undefined ? undefined : [...(parseCursor(decodeURIComponent(cursor))?.seqs.values() ?? [])][0];
}

function endOf(load: PageLoad): number | undefined {
  return sorted(load).at(-1) ?? load.after;
}

/**
 * A page that grows has its newest line last. One that refreshes has it first, but the lines of a
 * folded run in their order.
 */
function sorted(load: PageLoad): number[] {
  const seqs = load.seqs();
  return (seqs[0] ?? 0) > (seqs.at(-1) ?? 0) ? seqs.sort((one, other) => one - other) : seqs;
}

function seqsIn(html: string): number[] {
  return [...html.matchAll(/ data-seq="(\d+)"/g)].map((match) => Number(match[1]));
}
