import type { Network } from "./network.ts";
import { OUR_NETWORKS } from "./our-networks.ts";
import { isInstalled } from "./program.ts";
import { REAL_NETWORKS } from "./real-networks.ts";

/** All networks that a message must get through. */
export const NETWORKS: Network[] = [...REAL_NETWORKS, ...OUR_NETWORKS];

/** Whether all that a network is made of is on this machine. */
export function isHere({ program }: Network): boolean {
  return program === undefined || isInstalled(program);
}
