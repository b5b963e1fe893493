/** Items by load. Finding one with the highest load takes the same time however many there are. */
export type Ranking<Item> = {
  /**
   * Notes that an item's load has changed, by one at most; an item with the load 0 is forgotten.
   */
  move(item: Item, before: number, after: number): void;
  /** Returns the highest load; 0 if there is no item. */
  highest(): number;
  /** Returns an item with the highest load, if there is one. */
  first(): Item | undefined;
};

/** Creates an empty ranking. */
export function createRanking<Item>(): Ranking<Item> {
  const byLoad = new Map<number, Set<Item>>();
  let highest = 0;

  return { move, highest: () => highest, first };

  function move(item: Item, before: number, after: number): void {
    if (after === before) return;
    const left = byLoad.get(before);
    left?.delete(item);
    if (left?.size === 0) byLoad.delete(before);
    if (after > 0) byLoad.set(after, (byLoad.get(after) ?? new Set()).add(item));
    highest = Math.max(highest, after);
    // After the last item has left the highest load, it has the next lower one.
    if (!byLoad.has(highest)) highest -= 1;
  }

  function first(): Item | undefined {
    for (const item of byLoad.get(highest) ?? []) return item;
    return undefined;
  }
}
