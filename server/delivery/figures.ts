/** The number of visitors of each room, as this node publishes it. */
export type Figures = {
  /** Takes a new count by room. Returns the rooms whose figure has changed. */
  take(counts: Map<number, number>): number[];
  /** Rooms with visitors only. */
  shown(): Map<number, number>;
  /** Does the last count differ from the figures, so that another one is due? */
  isOpen(): boolean;
};

/**
 * A figure changes when two counts in a row agree that it is too low, or too high. While a client
 * proves a stream, it polls as well and is two readers for up to a second. Between two polls it is none.
 */
export function createFigures(): Figures {
  let shown = new Map<number, number>();
  let last = shown;
  let isOpen = false;
  return { take, shown: () => shown, isOpen: () => isOpen };

  function take(counts: Map<number, number>): number[] {
    const before = shown;
    const rooms = [...new Set([...before.keys(), ...counts.keys()])];
    const figures = rooms.map((id) => [id, median(of(before, id), of(last, id), of(counts, id))] as const);
    shown = new Map(figures.filter(([, visitors]) => visitors > 0));
    last = counts;
    isOpen = rooms.some((id) => of(shown, id) !== of(counts, id));
    return rooms.filter((id) => of(shown, id) !== of(before, id));
  }
}

function of(visitors: Map<number, number>, roomId: number): number {
  return visitors.get(roomId) ?? 0;
}

function median(...three: [number, number, number]): number {
  return three.toSorted((one, other) => one - other)[1] as number;
}
