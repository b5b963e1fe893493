import { CLOCK_FAULTS } from "./clocks.ts";
import type { ChaosFault } from "./fault.ts";
import { FAULTS } from "./faults.ts";
import { LIMIT_FAULTS } from "./limits.ts";
import { OWN_DATABASE_FAULTS } from "./own-database.ts";
import { POOLER_FAULTS } from "./pooler.ts";
import { STORM_FAULTS } from "./storm.ts";
import { UPGRADE_FAULTS } from "./upgrade.ts";

/** All faults of docs/chaos.md. */
export const ALL_FAULTS: ChaosFault[] = [
  ...FAULTS,
  ...LIMIT_FAULTS,
  ...CLOCK_FAULTS,
  ...STORM_FAULTS,
  ...POOLER_FAULTS,
  ...UPGRADE_FAULTS,
  ...OWN_DATABASE_FAULTS,
];
