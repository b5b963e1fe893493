/**
 * How runs of people who come and go read: each run on one day is one line that opens, both on the
 * page from the server and on the page of a script. Its element has the class `folded` and holds
 * `<details>` with the sentence as summary and the lines of the events.
 */

/** The fewest events of a run that becomes one line. Fewer say more by their names. */
export const SHORTEST_FOLD = 3;

/** Whether an event of this kind becomes one line with its neighbors. */
export function folds(kind: string): boolean {
  return kind === "enter" || kind === "leave";
}

/** Returns the name of the sentence, in the words of the script, for a number of events. */
export function foldSentence(enters: number, leaves: number): "folded" | "foldedEnters" | "foldedLeaves" {
  if (leaves === 0) return "foldedEnters";
  return enters === 0 ? "foldedLeaves" : "folded";
}
