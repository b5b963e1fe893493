import type { Random } from "./random.ts";
import type { Rig } from "./rig.ts";

/** A fault of docs/chaos.md. */
export type ChaosFault = {
  name: string;
  /** The aim of a run under this fault, besides that nothing is lost, doubled or skipped. */
  goal: string;
  /** Every reader has to get messages within this time after the fault, in milliseconds. */
  recoverMs: number;
  /** It takes longer than a short run lasts. */
  isSlow?: boolean;
  /** It is struck once, before all others. */
  isFirst?: boolean;
  /** Returns why this machine cannot have it. */
  lacks?(): string | undefined;
  /**
   * Lasts about `forMs`, and heals itself as far as it can. Notes in the rig in which points the
   * goal was missed.
   */
  strike(rig: Rig, random: Random, forMs: number): Promise<void>;
};
