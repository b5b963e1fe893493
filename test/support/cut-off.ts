import type { Socket } from "node:net";
import type { Misbehaviour } from "../networks/rig/proxy.ts";

/** A network that can be cut off. */
export type CutOff = {
  misbehave: Misbehaviour;
  /** Breaks every connection and all new ones. */
  cut(): void;
  /** Works again. */
  pass(): void;
  /** Returns the paths of the requests that were broken since the last cut, as far as they got. */
  broken(): string[];
};

/** Returns a network that works until it is cut off. */
export function createCutOff(): CutOff {
  const sockets = new Set<Socket>();
  let broken: string[] = [];
  let isCut = false;
  return {
    async misbehave(asked, pass) {
      const { near, path } = asked;
      if (isCut) {
        broken.push(path);
        throw new Error("cut off");
      }
      if (!sockets.has(near)) near.once("close", () => sockets.delete(near));
      sockets.add(near);
      return pass(asked);
    },
    cut() {
      isCut = true;
      broken = [];
      for (const socket of sockets) socket.destroy();
    },
    pass() {
      isCut = false;
    },
    broken: () => broken,
  };
}
