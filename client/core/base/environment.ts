/** A clock in milliseconds, a source of chance, and the name of the page that makes requests. */
export type Clock = { now(): number; random(): number; page?: string | undefined };

/** The core's environment: a clock, and a timer that returns a function to cancel it. */
export type Environment = Clock & {
  later(ms: number, run: () => void): () => void;
};

/**
 * Returns a name for one request. A fresh answer repeats it; a cached answer has another one. It
 * begins with the name of the page, so that the site counts all its connections as one visitor.
 */
export function createNonce({ now, random, page }: Clock): string {
  const nonce = Math.floor(random() * 0x7fffffff).toString(36) + (now() % 1679616).toString(36);
  return page === undefined ? nonce : `${page}.${nonce}`;
}

/** Returns the same environment for the requests of one page. */
export function withPage<Kind extends Environment>(environment: Kind): Kind {
  return { ...environment, page: randomLetters(environment) };
}

/**
 * Returns a key for one message: the time and 62 random bits. It need only be unique for its
 * author.
 */
export function createClientId(clock: Clock): string {
  return `${clock.now().toString(36)}-${randomLetters(clock)}${randomLetters(clock)}`;
}

function randomLetters({ random }: Clock): string {
  // 36⁶ is about 2³¹. Adding 36⁶ keeps the length at seven letters, the first of which is always 1.
  return (2176782336 + Math.floor(random() * 2176782336)).toString(36).slice(1);
}
