import type { Environment } from "./environment.ts";
import { without } from "./list.ts";

/** Calls the listeners of a name. `Events` maps each name to the type that its listeners get. */
export type Emitter<Events> = {
  on<Name extends keyof Events>(name: Name, listener: (data: Events[Name]) => void): () => void;
  emit<Name extends keyof Events>(name: Name, data: Events[Name]): void;
};

/**
 * Creates an emitter. An error that a listener throws is thrown again later, after the others ran.
 */
export function createEmitter<Events>(environment: Environment): Emitter<Events> {
  let entries: { name: keyof Events; listener: (data: never) => void }[] = [];
  return {
    on(name, listener) {
      const entry = { name, listener };
      entries = entries.concat([entry]);
      return () => {
        entries = without(entries, entry);
      };
    },
    emit(name, data) {
      const called = entries;
      for (let i = 0; i < called.length; i++) {
        const entry = called[i] as { name: keyof Events; listener: (data: unknown) => void };
        if (entry.name === name) callSafely(environment, entry.listener, data);
      }
    },
  };
}

/** Calls a listener. An error that it throws is thrown again later. */
export function callSafely<Data>(environment: Environment, listener: (data: Data) => void, data: Data): void {
  try {
    listener(data);
  } catch (error) {
    environment.later(0, () => {
      throw error;
    });
  }
}
