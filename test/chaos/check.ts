/** A row of a room's log. `text` is empty for an event that is not a message. */
export type LoggedEvent = { seq: number; id: string; text: string };

/** The log of each room as the database had it: at the end, or before an older copy replaced it. */
export type RoomLogs = Map<string, LoggedEvent[]>;

/**
 * A message that a writer sent. `seqs` are those of all receipts that it got. If it was
 * acknowledged in a log that is gone, that log's number is `inLog`.
 */
export type ChaosMessage = {
  room: string;
  id: string;
  text: string;
  sentAt: number;
  ackedAt?: number;
  seqs: number[];
  inLog: number;
};

/** An event or a reset that a reader was sent. */
export type ReceivedFrame =
  | { kind: "event"; seq: number; id: string; text: string; at: number }
  | { kind: "reset"; next: number; at: number };

/** A reader and everything that it was sent. `start` is the seq after which it began to read. */
export type ReaderRecord = {
  name: string;
  room: string;
  start: number;
  received: ReceivedFrame[];
  /** Whether it read until the end of the run. */
  isLive: boolean;
};

/** A run: `logs` in the order in which the database had them; the last one is the final log. */
export type Run = { logs: RoomLogs[]; sent: ChaosMessage[]; readers: ReaderRecord[] };

/** The faults that a checker can find. */
export const FAULTS_FOUND = [
  "lost",
  "storedTwice",
  "twoReceipts",
  "holesInLog",
  "againstRealTime",
  "fabricated",
  "doubled",
  "silentGaps",
  "changed",
  "behind",
] as const;

/** The number of faults of each kind, and examples. */
export type ChaosFindings = { counts: { [fault in (typeof FAULTS_FOUND)[number]]: number }; examples: string[] };

type Note = (fault: (typeof FAULTS_FOUND)[number], example: string) => void;

/** Compares what writers and readers saw with the log. Linear in the length of the run. */
export function check(run: Run): ChaosFindings {
  const counts = Object.fromEntries(FAULTS_FOUND.map((fault) => [fault, 0])) as ChaosFindings["counts"];
  const examples: string[] = [];
  const note: Note = (fault, example) => {
    counts[fault] += 1;
    if (counts[fault] <= 3) examples.push(`${fault}: ${example}`);
  };
  for (const log of run.logs) checkLog(log, run.sent, note);
  checkMessages(run, note);
  checkRealTime(run, note);
  for (const reader of run.readers) checkReader(reader, run.logs, note);
  return { counts, examples };
}

/** Returns the number of faults. */
export function total({ counts }: ChaosFindings): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function checkLog(log: RoomLogs, sent: ChaosMessage[], note: Note): void {
  const known = new Set(sent.map(({ text }) => text));
  for (const [room, events] of log) {
    const texts = new Set<string>();
    let last: number | undefined;
    for (const { seq, text } of events) {
      if (last !== undefined && seq !== last + 1) note("holesInLog", `${room} has ${seq} after ${last}`);
      last = seq;
      if (text === "") continue;
      if (!known.has(text)) note("fabricated", `${room} ${seq}: ${text}`);
      if (texts.has(text)) note("storedTwice", `${room} ${seq}: ${text}`);
      texts.add(text);
    }
  }
}

function checkMessages({ logs, sent }: Run, note: Note): void {
  const stored = logs.map((log) => new Set([...log.values()].flat().map(({ text }) => text)));
  for (const { room, text, seqs, ackedAt, inLog } of sent) {
    if (new Set(seqs).size > 1) note("twoReceipts", `${room}: ${text} has ${seqs}`);
    if (ackedAt !== undefined && !stored[inLog]?.has(text)) note("lost", `${room}: ${text}, acknowledged as ${seqs}`);
  }
}

/** If A was acknowledged before B was sent, A has the lower seq. */
function checkRealTime({ logs, sent }: Run, note: Note): void {
  for (const [number] of logs.entries()) {
    const acked = sent.filter(({ ackedAt, inLog }) => ackedAt !== undefined && inLog === number);
    for (const room of new Set(acked.map((message) => message.room))) {
      const messages = acked.filter((message) => message.room === room);
      const bySending = messages.toSorted((a, b) => a.sentAt - b.sentAt);
      const byReceipt = messages.toSorted((a, b) => (a.ackedAt as number) - (b.ackedAt as number));
      let highest = 0;
      let next = 0;
      for (const { sentAt, seqs, text } of bySending) {
        for (; next < byReceipt.length && ((byReceipt[next] as ChaosMessage).ackedAt as number) < sentAt; next += 1)
          highest = Math.max(highest, byReceipt[next]?.seqs[0] as number);
        if ((seqs[0] as number) <= highest) note("againstRealTime", `${room}: ${text} is ${seqs[0]}, after ${highest}`);
      }
    }
  }
}

/** A reader's list is a run of one log without gaps, broken at resets only. */
function checkReader({ name, room, start, received, isLive }: ReaderRecord, logs: RoomLogs[], note: Note): void {
  const bySeq = logs.map((log) => new Map((log.get(room) ?? []).map((event) => [event.seq, event])));
  let expected = start + 1;
  for (const one of received) {
    if (one.kind === "reset") {
      expected = one.next;
      continue;
    }
    const { seq, id, text } = one;
    if (seq < expected) note("doubled", `${name} got ${seq} of ${room} instead of ${expected}`);
    if (seq > expected) note("silentGaps", `${name} got ${seq} of ${room} instead of ${expected}`);
    expected = seq + 1;
    const isLogged = bySeq.some((log) => {
      const logged = log.get(seq);
      return logged !== undefined && logged.text === text && logged.id === id;
    });
    if (!isLogged) note("changed", `${name} got ${seq} of ${room} as "${text}", which no log has`);
  }
  const head = logs.at(-1)?.get(room)?.at(-1)?.seq ?? 0;
  if (isLive && expected !== head + 1) note("behind", `${name} is at ${expected - 1} of ${head} in ${room}`);
}
