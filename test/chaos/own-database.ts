import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { joinEmbedded } from "../../db/embedded/join.ts";
import { query } from "../support/database.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";
import type { ChaosMessage, LoggedEvent, RoomLogs } from "./check.ts";
import type { ChaosFault } from "./fault.ts";
import type { Random } from "./random.ts";
import { isServing, LOG_QUERY, nodeEnvironment, type Rig, ROOT, spawnServe } from "./rig.ts";
import { openSession, sendOnce } from "./writers.ts";

/** A start that follows a kill may take this long. */
const START_MS = 10_000;

/** The kill of a start hits initdb, the server's start, the migration, or the first requests. */
const KILLED_WITHIN_MS = 2_500;

/** After this, the run has failed. */
const LONGEST_START_MS = 60_000;

/** Messages between a start and the stop that follows. */
const MESSAGES = 3;

/** Kills while the embedded database starts and stops, at a site of its own next to the run's. */
export const OWN_DATABASE_FAULTS: ChaosFault[] = [
  {
    name: "F25 a node is killed while its own database starts or stops",
    goal: "the next start serves within 10 s",
    recoverMs: 3_000,
    isSlow: true,
    strike: killStarts,
  },
];

/** The site's lobby is `room` in the logs of the run. */
type OwnSite = { folder: string; room: string; port: number; child: ChildProcess; output(): string };

async function killStarts(rig: Rig, random: Random): Promise<void> {
  // A new folder in one of three, so that initdb is hit as well.
  if (rig.ownSites === 0 || random.next() < 0.34) rig.ownSites += 1;
  const place = { folder: join(rig.folder, `own-${rig.ownSites}`), room: `lobby of own site ${rig.ownSites}` };
  const killed = await start(place);
  await sleep(random.between(50, KILLED_WITHIN_MS));
  await end(killed, "SIGKILL");
  const site = await startAfterKill(place, rig.missed);
  await talk(rig, site);
  site.child.kill("SIGTERM");
  await sleep(random.between(0, 400));
  await end(site, "SIGKILL");
  const last = await startAfterKill(place, rig.missed);
  await keepOwnLog(rig, place);
  await end(last, "SIGTERM");
}

async function start(place: Pick<OwnSite, "folder" | "room">): Promise<OwnSite> {
  const port = await freePort();
  const { DATABASE_URL: _shared, ...environment } = nodeEnvironment({ port });
  const child = spawnServe([], {
    cwd: ROOT,
    env: { ...environment, DATA_DIR: place.folder },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return { ...place, port, child, output: () => output };
}

async function end({ child }: OwnSite, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

/** A start that fails is noted, and another one follows. */
async function startAfterKill(place: Pick<OwnSite, "folder" | "room">, missed: string[]): Promise<OwnSite> {
  for (let attempt = 1; ; attempt += 1) {
    const site = await start(place);
    const startedAt = performance.now();
    const hasEnded = () => site.child.exitCode !== null;
    await until("the site serves or has ended", async () => hasEnded() || isServing(site.port), LONGEST_START_MS);
    const seconds = (performance.now() - startedAt) / 1_000;
    if (1_000 * seconds > START_MS) missed.push(`a start took ${Math.round(seconds)} s`);
    if (!hasEnded()) return site;
    missed.push(`a start ended: ${site.output().trim().split("\n").at(-1)}`);
    if (attempt === 3) throw new Error(`the site does not start: ${site.output()}`);
  }
}

async function talk({ sent, logs }: Rig, { port, room }: OwnSite): Promise<void> {
  const url = `http://127.0.0.1:${port}`;
  const token = await openSession([url], `own ${sent.length}`);
  for (let n = 1; n <= MESSAGES; n += 1) {
    const message: ChaosMessage = {
      ...{ room, id: randomUUID(), text: `own ${sent.length} says ${n}` },
      ...{ sentAt: performance.now(), seqs: [], inLog: logs.length - 1 },
    };
    sent.push(message);
    const sending = { token, messages: [message], slug: "lobby" };
    while (!(await sendOnce(url, { manner: "post", ...sending }, { logs }))) await sleep(50);
  }
}

/** Adds the site's messages to the run's log. */
async function keepOwnLog({ logs }: Rig, { folder, room }: Pick<OwnSite, "folder" | "room">): Promise<void> {
  const rows = await query(await joinEmbedded({ dataDir: folder }), LOG_QUERY);
  const events = rows.filter(({ slug }) => slug === "lobby") as (LoggedEvent & { slug: string })[];
  (logs.at(-1) as RoomLogs).set(room, events);
}
