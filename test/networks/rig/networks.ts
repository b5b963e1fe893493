import type { HostileNetwork } from "./network.ts";
import { OUR_NETWORKS } from "./our-networks.ts";
import { isInstalled } from "./program.ts";
import { REAL_NETWORKS } from "./real-networks.ts";

/** All networks that a message must get through. */
export const NETWORKS: HostileNetwork[] = [...REAL_NETWORKS, ...OUR_NETWORKS];

/** Returns whether the program of a network is installed on this machine. */
export function isHere({ program }: HostileNetwork): boolean {
  return program === undefined || isInstalled(program);
}
