/**
 * Calls `take` every 20 ms until it returns a truthy value, and resolves with it. Throws after
 * `patienceMs`, naming `what`.
 */
export async function until<T>(what: string, take: () => T | Promise<T>, patienceMs = 5_000): Promise<NonNullable<T>> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const taken = await take();
    if (taken) return taken;
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
