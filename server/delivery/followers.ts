/**
 * Reads the log alongside the hub, for the host or for webhooks. `next` resolves with the rooms
 * that may have events since its last call, or with `undefined` if any room may, as at first. It
 * resolves with no rooms when the follower is stopped.
 */
export type Follower = {
  next(): Promise<number[] | undefined>;
  /** Notes that these rooms may have events, or without a list that any room may. */
  ring(roomIds?: number[]): void;
  stop(): void;
  readonly isStopped: boolean;
};

/** Everything that reads the log alongside the hub. */
export type Followers = {
  /** Notes that these rooms may have events, or without a list that any room may. */
  wake(roomIds?: number[]): void;
  follow(): Follower;
  /** Stops all, and each that comes later. */
  stop(): void;
};

/** Creates the followers of a node, none at first. */
export function createFollowers(): Followers {
  const open = new Set<RoomFollower>();
  let isStopped = false;
  return {
    wake: (roomIds) => {
      for (const follower of open) follower.ring(roomIds);
    },
    follow: () => {
      const follower = new RoomFollower((stopped) => open.delete(stopped));
      if (isStopped) follower.stop();
      else open.add(follower);
      return follower;
    },
    stop: () => {
      isStopped = true;
      for (const follower of [...open]) follower.stop();
    },
  };
}

class RoomFollower implements Follower {
  isStopped = false;
  readonly #rooms = new Set<number>();
  readonly #onStop: (self: RoomFollower) => void;
  #isAny = true;
  #wake: (() => void) | undefined;

  constructor(onStop: (self: RoomFollower) => void) {
    this.#onStop = onStop;
  }

  async next(): Promise<number[] | undefined> {
    if (!this.isStopped && !this.#isAny && this.#rooms.size === 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const due = this.isStopped || !this.#isAny ? [...this.#rooms] : undefined;
    this.#isAny = false;
    this.#rooms.clear();
    return due;
  }

  ring(roomIds?: number[]): void {
    if (roomIds === undefined) this.#isAny = true;
    else for (const roomId of roomIds) this.#rooms.add(roomId);
    this.#wake?.();
  }

  stop(): void {
    this.isStopped = true;
    this.#rooms.clear();
    this.#wake?.();
    this.#onStop(this);
  }
}
