import { createNonce } from "../client/core/base/environment.ts";
import { compile, type Templates } from "./clients/templates.ts";
import { type BenchConnections, createConnections, MOST_OF_A_PAGE } from "./connections.ts";
import type { Person, Plan } from "./systems/system.ts";
import type { Fill } from "./wires/wire.ts";

/** A person with what their client needs: connections, and their requests ready to be filled in. */
export type Client = {
  person: Person;
  connections: BenchConnections;
  /**
   * Makes one of the person's requests, with a nonce of its own; `undefined`: their client sends no
   * such request.
   */
  request(name: string): Fill | undefined;
};

/**
 * As clients ask at rest: pings that have grown to 15 s on a network that lets streams last, polls
 * of 25 s.
 */
const AT_REST = { ping: "15", wait: "25" };

/** Gives everybody in the plan their client. */
export function clientsOf(plan: Plan): Map<Person, Client> {
  const most = plan.client === "page" ? MOST_OF_A_PAGE : Number.POSITIVE_INFINITY;
  return new Map(
    plan.people.map((person) => [
      person,
      {
        person,
        connections: createConnections({ port: plan.port, address: person.address, most }),
        request: requestsOf(person, plan.requests[person.kind]),
      },
    ]),
  );
}

function requestsOf(person: Person, texts: Templates): Client["request"] {
  const fills = new Map<string, Fill>();
  return (name) => {
    const known = fills.get(name);
    const text = texts[name];
    if (known || text === undefined) return known;
    const compiled = compile(text, { ...AT_REST, ...fixed(person) });
    const fill: Fill = (values) => compiled({ ...person.values, nonce: createNonce(ENVIRONMENT), ...values });
    fills.set(name, fill);
    return fill;
  };
}

/** Returns the values that do not change while the person is there. */
function fixed({ values }: Person): Person["values"] {
  const { cursor: _cursor, ticket: _ticket, path: _path, ...others } = values;
  return others;
}

/** The client's own clock and chance, for its own nonces and ids. */
export const ENVIRONMENT = {
  now: Date.now,
  random: Math.random,
  later(ms: number, run: () => void) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
