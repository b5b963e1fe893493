import { StartError } from "../../db/start-error.ts";
import { describeSettings } from "../config.ts";

type Environment = { readonly [name: string]: string | undefined };

const PREFIX = "CHATTERA_";

/** Two slips of the keyboard, for example a letter too few and two exchanged. */
const SLIPS = 2;

/**
 * Throws a StartError if the environment has variables that are meant as settings and are none: a
 * mistyped setting must not be ignored, because the operator would take it for set. The sentence
 * names the settings that they resemble.
 */
export function refuseUnknown(env: Environment): void {
  const settings = describeSettings().map((setting) => setting.env);
  const known = new Set(settings);
  const ours = settings.filter((name) => name.startsWith(PREFIX));
  const unknown = Object.keys(env)
    .filter((name) => !known.has(name) && (name.startsWith(PREFIX) || nearest(name, ours, SLIPS) !== undefined))
    .sort();
  if (unknown.length === 0) return;
  const meant = unknown.flatMap((name) => nearestSetting(name, settings) ?? []);
  const are = unknown.length === 1 ? "is not a setting" : "are not settings";
  const remedy = meant.length === 0 ? "" : `use ${[...new Set(meant)].join(", ")} instead, or see all: `;
  throw new StartError(`${unknown.join(", ")} ${are}: ${remedy}chattera serve --help lists them.`);
}

/**
 * Returns a warning for each variable without our prefix that is one letter away from a setting
 * that is not set. It may be another program's, so it does not end the start.
 */
export function warningsOfMistyped(env: Environment): string[] {
  const settings = describeSettings().map((setting) => setting.env);
  const unset = settings.filter((name) => !name.startsWith(PREFIX) && name.length >= 8 && !env[name]);
  const others = Object.keys(env).filter((name) => !settings.includes(name));
  return others.flatMap((name) => {
    const meant = nearest(name, unset, 1);
    return meant === undefined ? [] : [`${name} is not a setting of chattera. If it is meant for it, use ${meant}.`];
  });
}

/** Returns the setting that a name resembles. Some settings have no prefix. */
function nearestSetting(name: string, settings: string[]): string | undefined {
  const slips = Math.max(SLIPS, Math.floor(name.length / 5));
  return nearest(name.slice(PREFIX.length), settings, 1) ?? nearest(name, settings, slips);
}

function nearest(name: string, settings: string[], most: number): string | undefined {
  const written = name.toUpperCase().replaceAll("-", "_");
  let best: string | undefined;
  let least = most + 1;
  for (const setting of settings) {
    const steps = stepsBetween(written, setting);
    if (steps < least) [best, least] = [setting, steps];
  }
  return best;
}

/**
 * Returns how many letters have to be added, removed, replaced or exchanged with their neighbor to
 * get from one word to the other (the optimal string alignment distance).
 */
function stepsBetween(one: string, other: string): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const next = [row];
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1];
      const isExchanged = one[row - 2] === other[column - 1] && one[row - 1] === other[column - 2];
      next[column] = Math.min(
        (last[column] as number) + 1,
        (next[column - 1] as number) + 1,
        (last[column - 1] as number) + (isSame ? 0 : 1),
        isExchanged && row > 1 && column > 1 ? (before[column - 2] as number) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    before = last;
    last = next;
  }
  return last[other.length] as number;
}
