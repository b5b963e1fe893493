/** A clock in milliseconds, and chance. */
export type Clock = { now(): number; random(): number };

/** What the core needs from the world: a clock, and a timer, which returns its own undoing. */
export type Environment = Clock & {
  later(ms: number, run: () => void): () => void;
};

/** A name for one request, which a fresh answer gives back: a cache's answer carries another's. */
export function createNonce(environment: Clock): string {
  return Math.floor(environment.random() * 0x7fffffff).toString(36) + (environment.now() % 1679616).toString(36);
}

/** A key for one message: the time and 2 × 31 random bits; unique for one member is all it must be. */
export function createClientId(environment: Environment): string {
  return `${environment.now().toString(36)}-${randomLetters(environment)}${randomLetters(environment)}`;
}

function randomLetters(environment: Environment): string {
  // 36⁶ is 2³¹; the added 36⁶ keeps the length at seven letters, whose first is always 1.
  return (2176782336 + Math.floor(environment.random() * 2176782336)).toString(36).slice(1);
}
