import { setTimeout } from "node:timers/promises";
import { createNonce } from "../client/core/base/environment.ts";
import { CONFIRM_MS } from "../protocol/limits.ts";
import { Check, type DeliveryFindings, RoomLog } from "./check.ts";
import { type Client, ENVIRONMENT } from "./client.ts";
import type { Plan } from "./systems/system.ts";
import { openWire } from "./wires/open.ts";
import type { Fill } from "./wires/wire.ts";

/** All readers of a system. */
export type Readers = {
  logs: RoomLog[];
  /** Deliveries that did not come, over all readers. */
  missing(): number;
};

/**
 * Sockets that connect at a time: a backlog of SYNs that is too long drops some, and they come
 * again after a second.
 */
const CONNECTING = 100;

/** After a poll that brought no answer of the server's. */
const PAUSE_MS = 1_000;

/** The npm client asks for another ticket when a quarter of its five minutes is left. */
const TICKET_MS = 225_000;

/** How readers read. */
export type ReadingPlan = {
  plan: Plan;
  findings: DeliveryFindings;
  /**
   * A reader whose stream is cut opens it again with its cursor, after the pause that the server
   * asked for.
   */
  comeBack: boolean;
};

/**
 * Opens all readers. Resolves when each has received the first bytes of its stream, or has sent its
 * first poll.
 */
export async function openReaders(clients: Client[], reading: ReadingPlan): Promise<Readers> {
  const logs: RoomLog[] = [];
  const checks: Check[] = [];
  const open = (client: Client) => {
    const { room } = client.person;
    logs[room] ??= new RoomLog();
    const check = new Check(logs[room], reading.findings);
    checks.push(check);
    return openReader(client, check, reading);
  };
  for (let first = 0; first < clients.length; first += CONNECTING)
    await Promise.all(clients.slice(first, first + CONNECTING).map(open));
  return { logs, missing: () => checks.reduce((sum, check) => sum + check.missing(), 0) };
}

function openReader(client: Client, check: Check, { plan, findings, comeBack }: ReadingPlan): Promise<void> {
  const reader = { client, check, findings, comeBack };
  if (plan.wire === "endless") {
    return follow(reader, { cursor: client.person.values.cursor ?? "", retryMs: 1_000 });
  }
  void poll(reader, plan.wire);
  return client.connections.connected();
}

type Reader = { client: Client; check: Check } & Pick<ReadingPlan, "findings" | "comeBack">;

async function follow(reader: Reader, from: Place): Promise<void> {
  const { client, check, findings, comeBack } = reader;
  const read = client.request("read") as Fill;
  let place = from;
  const stream = createNonce(ENVIRONMENT);
  const confirm = confirmationOf(client, stream, findings);
  const { opened, ended } = client.connections.follow(read({ cursor: place.cursor, nonce: stream }), (bytes) => {
    check.take(bytes, performance.now());
    if (comeBack) place = placeAfter(bytes, place);
    confirm();
  });
  if (comeBack)
    void ended.then(async () => {
      await setTimeout(place.retryMs);
      await follow(reader, place);
    });
  await opened;
}

/**
 * Returns the function that confirms the stream if the last confirmation is 20 s old; called when
 * something has arrived. People did not all come at once.
 */
function confirmationOf({ connections, request }: Client, stream: string, findings: DeliveryFindings): () => void {
  const confirmation = request("confirmation");
  let confirmAt = performance.now() + Math.random() * CONFIRM_MS;
  if (!confirmation) return () => undefined;
  return () => {
    const now = performance.now();
    if (now < confirmAt) return;
    confirmAt = now + CONFIRM_MS;
    void connections.ask(confirmation({ stream })).then(({ status }) => {
      if (status !== 200) findings.failed += 1;
    });
  };
}

async function poll({ client, check, findings }: Reader, kind: Exclude<Plan["wire"], "endless">): Promise<void> {
  const { connections, request } = client;
  const packet = request("packet") ?? (() => "");
  const next = openWire(kind, request("read") as Fill, packet);
  const renewTicket = ticketOf(client, findings);
  for (let asked = next(); ; ) {
    const answer = await connections.ask(asked);
    const isAnswered = answer.status > 0 && answer.status < 400;
    if (isAnswered) check.take(Buffer.from(answer.body, "latin1"), performance.now());
    else {
      findings.failed += 1;
      await setTimeout(PAUSE_MS);
    }
    await renewTicket();
    asked = next(isAnswered ? answer : undefined);
  }
}

/** Returns the function that replaces the ticket in the URLs of a client that has one. */
function ticketOf(
  { person, connections, request }: Client,
  findings: DeliveryFindings,
): () => Promise<void> | undefined {
  const ticket = request("ticket");
  let dueAt = performance.now() + Math.random() * TICKET_MS;
  if (!ticket) return () => undefined;
  return () => {
    if (performance.now() < dueAt) return undefined;
    dueAt += TICKET_MS;
    return connections.ask(ticket()).then(({ body }) => {
      const given = /"ticket":"([^"]+)"/.exec(body)?.[1];
      if (given === undefined) findings.failed += 1;
      else person.values.ticket = given;
    });
  };
}

type Place = { cursor: string; retryMs: number };

/**
 * After a piece of a stream: the last event's or signal's id, and the last pause that the server
 * asked for.
 */
function placeAfter(bytes: Buffer, before: Place): Place {
  const idAt = bytes.lastIndexOf("\nid: ");
  const retryAt = bytes.lastIndexOf("\nretry: ");
  const cursor = idAt < 0 ? undefined : /^\nid: (\S+)\n/.exec(bytes.toString("latin1", idAt, idAt + 140))?.[1];
  const retry =
    retryAt < 0 ? undefined : /^\nretry: (\d+)\n/.exec(bytes.toString("latin1", retryAt, retryAt + 30))?.[1];
  return { cursor: cursor ?? before.cursor, retryMs: retry ? Number(retry) : before.retryMs };
}
