import type { Environment } from "./environment.ts";
import { without } from "./list.ts";

/** Calls everybody who asked for a name. `Events` gives each name the type of its news. */
export type Emitter<Events> = {
  on<Name extends keyof Events>(name: Name, listener: (news: Events[Name]) => void): () => void;
  emit<Name extends keyof Events>(name: Name, news: Events[Name]): void;
};

/** An emitter whose listeners cannot hurt it: what one throws is thrown again outside, after the others were called. */
export function createEmitter<Events>(environment: Environment): Emitter<Events> {
  let entries: { name: keyof Events; listener: (news: never) => void }[] = [];
  return {
    on(name, listener) {
      const entry = { name, listener };
      entries = entries.concat([entry]);
      return () => {
        entries = without(entries, entry);
      };
    },
    emit(name, news) {
      const called = entries;
      for (let i = 0; i < called.length; i++) {
        const entry = called[i] as { name: keyof Events; listener: (news: unknown) => void };
        if (entry.name === name) callSafely(environment, entry.listener, news);
      }
    },
  };
}

function callSafely(environment: Environment, listener: (news: unknown) => void, news: unknown): void {
  try {
    listener(news);
  } catch (error) {
    environment.later(0, () => {
      throw error;
    });
  }
}
