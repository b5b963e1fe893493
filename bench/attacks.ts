import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type From, from, type VisitorReply } from "../test/support/visitor.ts";

/** The requests of one address for a while. Running it returns what it achieved, in words. */
export type Attack = { title: string; run(attacker: From, seconds: number): Promise<string> };

/**
 * The attacks of one address, by name. Each is bounded in number and time, and touches nothing but
 * the server it is given.
 */
export const ATTACKS: { [name: string]: Attack } = {
  form: {
    title: "one 8 kB form a second, `a&` 4,000 times",
    run: async (attacker, seconds) => {
      const form = { "content-type": "application/x-www-form-urlencoded" };
      return counted(
        await paced(1, Math.min(3, seconds), () => attacker.send("/api/session", "a&".repeat(4_000), form)),
      );
    },
  },
  nickname: {
    title: "one 62 kB nickname a second",
    run: async (attacker, seconds) => {
      const marks = ["\u0345", "\u0301", "\u0316"].map((mark) => mark.repeat(8_000)).join("");
      const nickname = `a${marks}${"\u0334".repeat(7_000)}`;
      return counted(await paced(1, Math.min(4, seconds), () => attacker.post("/api/session", { nickname })));
    },
  },
  streams: {
    title: "1,100 idle streams, of 1,000 places",
    run: async (attacker, seconds) => {
      const held = await inBatches(1_100, 100, () => attacker.hold("/api/events?room=lobby&ping=60"));
      await sleep(seconds * 1000);
      return `${held.filter((one) => !one.isOver()).length} held at the end`;
    },
  },
  raid: {
    title: "200 sessions, each says 2 messages a second",
    run: async (attacker, seconds) => {
      const tokens = await sessions(attacker, 200);
      const replies = await paced(400, seconds, (n) => say(attacker, tokens[n % tokens.length] as string, "hello"));
      return counted(replies);
    },
  },
  flood: {
    title: "200 sessions, each says its next message as soon as the last one is answered",
    run: async (attacker, seconds) => {
      const tokens = await sessions(attacker, 200);
      const until = performance.now() + seconds * 1000;
      const replies: VisitorReply[] = [];
      const again = async (token: string) => {
        while (performance.now() < until) replies.push(await say(attacker, token, "hello"));
      };
      await Promise.all(tokens.map(again));
      return counted(replies);
    },
  },
  entries: {
    title: "26 new people enter a room every second",
    run: async (attacker, seconds) => {
      const replies = await paced(26, seconds, async (n) => {
        const { body } = await attacker.post("/api/session", { nickname: `ghost ${n}` });
        const authorization = `Bearer ${body.token}`;
        return attacker.post("/api/rooms/lobby/enter", {}, { authorization });
      });
      return counted(replies);
    },
  },
  history: {
    title: "30 times a second 200 messages of history",
    run: async (attacker, seconds) =>
      counted(await paced(30, seconds, () => attacker.get("/api/rooms/lobby/messages?limit=200"))),
  },
  pages: {
    title: "50 lobby and room pages a second",
    run: async (attacker, seconds) =>
      counted(await paced(50, seconds, (n) => attacker.get(n % 2 === 0 ? "/" : "/rooms/lobby"))),
  },
  backlog: {
    title: "40 streams that read the room from its beginning, again and again",
    run: async (attacker, seconds) => {
      const { body } = await attacker.get("/api/rooms/lobby");
      const after = body.cursor.replace(/-\d+$/, "-0");
      const until = performance.now() + seconds * 1000;
      let opened = 0;
      const again = async () => {
        while (performance.now() < until) {
          const stream = await attacker.hold(`/api/events?room=lobby&after=${after}`);
          opened += 1;
          await sleep(500);
          stream.close();
        }
      };
      await Promise.all(Array.from({ length: 40 }, again));
      return `${opened} streams`;
    },
  },
  lanes: {
    title: "500 kept poll connections with heads of 15 kB",
    run: async (attacker, seconds) => {
      const { body } = await attacker.get("/api/poll?room=lobby&wait=0");
      const poll = () =>
        attacker.get(`/api/poll?room=lobby&after=${body.cursor}&wait=1`, { cookie: `x=${"x".repeat(14_500)}` });
      const replies = await inBatches(500, 500, poll);
      await sleep(Math.min(4, seconds) * 1000);
      return counted(replies);
    },
  },
  doctor: {
    title: "200 held tests of the path doctor",
    run: async (attacker, seconds) => {
      const held = Array.from({ length: 200 }, () =>
        attacker.get("/api/doctor/echo?hold=60000").catch(() => undefined),
      );
      await sleep(seconds * 1000);
      const refused = await Promise.race([Promise.all(held), sleep(100)]);
      return refused ? "all answered" : "held";
    },
  },
};

let said = 0;

/** Starts `perSecond` requests a second for some seconds and waits for their answers. */
async function paced(
  perSecond: number,
  seconds: number,
  ask: (n: number) => Promise<VisitorReply>,
): Promise<VisitorReply[]> {
  const startedAt = performance.now();
  const asked: Promise<VisitorReply | undefined>[] = [];
  for (let n = 0; n < perSecond * seconds; n += 1) {
    asked.push(ask(n).catch(() => undefined));
    await sleep(Math.max(0, startedAt + ((n + 1) * 1000) / perSecond - performance.now()));
  }
  const limit = sleep(20_000, undefined, { ref: false });
  const answered = await Promise.all(asked.map((one) => Promise.race([one, limit])));
  return answered.filter((reply) => reply !== undefined);
}

async function inBatches<T>(count: number, size: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) made.push(...(await Promise.all(Array.from({ length: size }, make))));
  return made;
}

async function sessions(attacker: From, count: number): Promise<string[]> {
  const replies = await inBatches(count, 50, () => attacker.post("/api/session", { nickname: `r${said++}` }));
  return replies.map(({ body }) => body.token);
}

/** Says something in the lobby. */
export function say(who: From, token: string, text: string): Promise<VisitorReply> {
  said += 1;
  const message = { id: `bench-${process.pid}-${said}`, text };
  return who.post("/api/rooms/lobby/messages", message, { authorization: `Bearer ${token}` });
}

/** How often each status was answered, e.g. `201 × 460, 429 × 2740`. */
function counted(replies: VisitorReply[]): string {
  const counts = new Map<number, number>();
  for (const { status } of replies) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${status} × ${count}`).join(", ");
}

// Run by attacker.ts in a process of its own, so that the attack takes no time from those who
// watch.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = "", url = "", address = "", seconds = "5"] = process.argv.slice(2);
  const attacker = from(url, address);
  process.stdout.write(`${await ATTACKS[name]?.run(attacker, Number(seconds))}\n`);
  process.exit(0);
}
