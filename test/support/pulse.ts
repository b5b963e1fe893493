/** Measures how late a machine is that runs other tests too. */
export type Pulse = {
  /**
   * Returns the longest time in milliseconds that a request took since a moment of
   * `performance.now()`, those that are under way included.
   */
  latenessSince(moment: number): number;
  stop(): void;
};

const EVERY_MS = 100;

/**
 * Asks the nodes of a site for a message of a room, ten times a second. A promise that holds within
 * a second on an idle machine holds a second and the lateness later on any other.
 */
export function startPulse(urls: () => string[], room = "lobby"): Pulse {
  const beats: { dueAt: number; endedAt: number | undefined }[] = [];
  let dueAt = performance.now();
  const timer = setInterval(beat, EVERY_MS);
  return { latenessSince, stop: () => clearInterval(timer) };

  function beat(): void {
    const one = { dueAt: dueAt + EVERY_MS, endedAt: undefined as number | undefined };
    dueAt = performance.now();
    beats.push(one);
    // A node that was killed refuses, which takes no time.
    const asked = urls().map((url) =>
      fetch(`${url}/api/rooms/${room}/messages?limit=1`).then(
        (answer) => answer.arrayBuffer(),
        () => undefined,
      ),
    );
    void Promise.all(asked).then(() => {
      one.endedAt = performance.now();
    });
  }

  function latenessSince(moment: number): number {
    const now = performance.now();
    const lasting = beats.filter(({ endedAt }) => endedAt === undefined || endedAt >= moment);
    // The timer itself may be late.
    const waits = lasting.map((one) => (one.endedAt ?? now) - Math.min(one.dueAt, one.endedAt ?? now));
    return Math.max(0, now - dueAt - EVERY_MS, ...waits);
  }
}
