import type { Environment } from "../../client/core/base/environment.ts";
import { type Confirm, createConfirm } from "../../client/core/reading/confirm.ts";
import type { SessionStatus } from "../../client/core/reading/state.ts";
import type { Sink, Transport } from "../../client/core/reading/transport.ts";
import type { Channel } from "../../client/tabs/channel.ts";
import type { Locks } from "../../client/tabs/lead.ts";
import type { TabMessage } from "../../client/tabs/message.ts";
import { createSharedSession } from "../../client/tabs/shared-session.ts";
import type { FakeSite } from "./fake-site.ts";
import type { World } from "./world.ts";

/** A tab in the room `lobby`, opened when `from` was the last seq of its log. */
export type Tab = {
  from: number;
  seen: number[];
  resets: string[];
  states: SessionStatus[];
  isHidden: boolean;
  /** Returns the number of its own connections. */
  open(): number;
  wake(): void;
  /** Closes the tab, or opens another page in it. */
  close(): void;
  /** Ends the tab without any last message. */
  crash(): void;
  /** Freezes the tab: everything that arrives waits. Its connections stay open. */
  freeze(): void;
  thaw(): void;
};

/** A browser whose tabs receive each other's messages within a millisecond. */
export type BrowserOfTabs = { openTab(isHidden?: boolean): Tab; tabs(): Tab[] };

/** Runs the work of a tab at once, when it thaws, or never. */
type Life = { state: "well" | "frozen" | "gone"; waiting: (() => void)[]; run(work: () => void): void };

/** Creates a browser with or without Web Locks. */
export function createBrowserOfTabs(world: World, site: FakeSite, hasLocks: boolean): BrowserOfTabs {
  const ears = new Map<string, (message: TabMessage) => void>();
  const locks = createLocks();
  let tabs: Tab[] = [];
  let opened = 0;

  return { openTab, tabs: () => tabs };

  function openTab(isHidden = false): Tab {
    const life = createLife();
    const name = `tab${opened++}`;
    const closers = new Set<() => void>();
    const owner = locks.owner(life);
    const position = { room: "lobby", cursor: `c${site.log.length}`, seq: site.log.length };
    const session = createSharedSession({
      environment: environmentOf(world, life),
      rooms: [position],
      openChannel: () => channelOf(name, life),
      locks: hasLocks ? owner.manager : undefined,
      streams: site.streams.map((stream) => owned(stream, life, closers)),
      confirm: ownedConfirm(createConfirm(world.environment, site.http, { base: "" }), life, closers),
      polls: [owned(site.poll, life, closers)],
      rttMs: 100,
      hidden: () => tab.isHidden,
      hiddenMs: () => (tab.isHidden ? 1 : 0),
      memory: { load: () => undefined, save() {} },
    });
    const tab: Tab = {
      from: site.log.length,
      seen: [],
      resets: [],
      states: [],
      isHidden,
      open: () => closers.size,
      wake: () => life.run(() => session.wake()),
      close() {
        if (life.state === "well") session.leave();
        tab.crash();
      },
      crash() {
        life.state = "gone";
        for (const close of [...closers]) close();
        ears.delete(name);
        owner.die();
        tabs = tabs.filter((other) => other !== tab);
      },
      freeze() {
        if (life.state === "well") life.state = "frozen";
      },
      thaw() {
        if (life.state !== "frozen") return;
        life.state = "well";
        for (const work of life.waiting.splice(0)) life.run(work);
      },
    };
    session.on("event", (event) => tab.seen.push(event.seq));
    session.on("reset", (reset) => tab.resets.push(reset.reason));
    session.on("status", (status) => tab.states.push(status));
    tabs = [...tabs, tab];
    session.start();
    return tab;
  }

  function channelOf(tab: string, life: Life): Channel {
    const heard = new Set<(message: TabMessage) => void>();
    ears.set(tab, (message) => life.run(() => [...heard].forEach((hear) => void (heard.has(hear) && hear(message)))));
    return {
      name: "chattera",
      tab,
      post(word) {
        const message = structuredClone({ ...word, from: tab }) as TabMessage;
        for (const [other, hear] of ears) if (other !== tab) world.environment.later(1, () => hear(message));
      },
      listen(hear) {
        heard.add(hear);
        return () => heard.delete(hear);
      },
      close: () => ears.delete(tab),
    };
  }
}

function createLife(): Life {
  const life: Life = {
    state: "well",
    waiting: [],
    run(work) {
      if (life.state === "well") work();
      else if (life.state === "frozen") life.waiting.push(work);
    },
  };
  return life;
}

function environmentOf(world: World, life: Life): Environment {
  return {
    ...world.environment,
    later(ms, run) {
      let isStopped = false;
      const stop = world.environment.later(ms, () => life.run(() => isStopped || run()));
      return () => {
        isStopped = true;
        stop();
      };
    },
  };
}

/** Returns the confirmations of one tab, which end with it. */
function ownedConfirm(confirm: Confirm, life: Life, closers: Set<() => void>): Confirm {
  return (nonce, done) => {
    const hangUp = confirm(nonce, (answer) => {
      closers.delete(close);
      life.run(() => done(answer));
    });
    const close = () => {
      closers.delete(close);
      hangUp();
    };
    closers.add(close);
    return close;
  };
}

/** Returns a transport of one tab, whose connections end with it. */
function owned(transport: Transport, life: Life, closers: Set<() => void>): Transport {
  return {
    ...transport,
    open(reading, sink) {
      let isOver = false;
      const over = () => {
        isOver = true;
        closers.delete(close);
      };
      const wrapped: Sink = (kind, data, cursor) => {
        if (kind === "ended") closers.delete(close);
        life.run(() => {
          if (isOver) return;
          if (kind === "ended") over();
          sink(kind, data, cursor);
        });
      };
      const hangUp = transport.open(reading, wrapped);
      const close = () => {
        over();
        hangUp();
      };
      closers.add(close);
      return close;
    },
  };
}

type Waiting = { life: Life; owner: object; grant(): void };

/**
 * [Web Locks] Creates one lock. The first tab that requests it holds it, and others queue. A tab
 * that steals it holds it at once. It is free when its tab is gone.
 */
function createLocks(): { owner(life: Life): { manager: Locks; die(): void } } {
  let holder: { owner: object; lose(): void } | undefined;
  let queue: Waiting[] = [];

  function next(): void {
    const waiting = queue.shift();
    waiting?.grant();
  }

  return {
    owner(life) {
      const owner = {};
      const request = (_name: string, options: Parameters<Locks["request"]>[1], use: () => Promise<void>) =>
        new Promise<void>((resolve, reject) => {
          const grant = () => {
            const mine = { owner, lose: () => life.run(() => reject(new Error("stolen"))) };
            holder = mine;
            life.run(() => {
              use().then(() => {
                resolve();
                if (holder !== mine) return;
                holder = undefined;
                next();
              }, reject);
            });
          };
          if ("steal" in options) {
            holder?.lose();
            grant();
          } else if (holder === undefined) queueMicrotask(grant);
          else {
            const waiting = { life, owner, grant };
            queue.push(waiting);
            options.signal.addEventListener("abort", () => {
              queue = queue.filter((other) => other !== waiting);
              reject(new Error("aborted"));
            });
          }
        });
      return {
        manager: { request },
        die() {
          queue = queue.filter((waiting) => waiting.owner !== owner);
          if (holder?.owner !== owner) return;
          holder = undefined;
          next();
        },
      };
    },
  };
}
