/** A system cannot be had on this machine, because a program it needs is not there. */
export class Missing extends Error {}
