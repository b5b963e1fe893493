import { createHash, randomBytes } from "node:crypto";
import type { Knex } from "knex";
import { createGroupCommit, type GroupCommit } from "../db/log/group-commit.ts";
import { createLeave, type Leave } from "../db/log/leave.ts";
import { type LogIdentity, openLog, unsafeSettings } from "../db/log/log.ts";
import { CONFIRMED_CHANNEL, PRESENCE_CHANNEL } from "../db/log/presence.ts";
import { REVOCATION_CHANNEL } from "../db/log/revocations.ts";
import { fillSkeletons } from "../db/log/rooms.ts";
import { postgresWakeUps, type WakeUps } from "../db/log/wake-ups.ts";
import { migrate } from "../db/migrate.ts";
import { connect } from "../db/pool/connect.ts";
import { type Bus, createBus } from "./bus/bus.ts";
import { natsWakeUps } from "./bus/nats.ts";
import { openRevocations, type Revocations } from "./bus/revocations.ts";
import { BY_PRIMARY, sharedWakeUps } from "./bus/shared-listener.ts";
import type { Config } from "./config.ts";
import { type Confirmations, createConfirmations } from "./delivery/confirmations.ts";
import { createHub, type Hub } from "./delivery/hub.ts";
import type { Reader } from "./delivery/reader.ts";
import type { Tail } from "./delivery/tail.ts";
import { createRateLimits, type RateLimits } from "./guard/rate-limit.ts";
import { createShares, type Shares } from "./guard/shares.ts";
import type { VerifiedPolls } from "./http/verified-polls.ts";
import type { Logger } from "./log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createPresence, type Presence } from "./presence/presence.ts";
import { refuse } from "./refusal.ts";
import { createLobby, type Lobby } from "./rooms/lobby.ts";
import { createPeople, type ReadPeople } from "./rooms/people.ts";
import { createReserved, type Reserved } from "./rooms/reserved.ts";
import { roomSkeletonOf } from "./rooms/skeleton.ts";
import { createTrips, type Trips } from "./rooms/trip.ts";
import { createTokens, type Tokens } from "./token.ts";
import { type Pruning, startPruning } from "./upkeep/pruning.ts";
import { type RoomRemoval, startRoomRemoval } from "./upkeep/room-removal.ts";

/** What the routes work with: one node's connections, readers and keys. */
export type Site = {
  config: Config;
  logger: Logger;
  metrics: Metrics;
  db: Knex;
  log: LogIdentity;
  commit: GroupCommit;
  leave: Leave;
  lobby: Lobby;
  people: ReadPeople;
  wakeUps: WakeUps;
  bus: Bus;
  hub: Hub;
  presence: Presence;
  confirmations: Confirmations;
  pruning: Pruning;
  roomRemoval: RoomRemoval;
  tokens: Tokens;
  trips: Trips;
  reserved: Reserved;
  limits: RateLimits;
  revocations: Revocations;
  shares: Shares;
  isDraining: boolean;
  /** The polls that take the fast path, see routes/verified-polls.ts; `undefined` in a host's app. */
  verifiedPolls: VerifiedPolls | undefined;
  /** What this node counts, for Prometheus; of a worker, what all of them count together, see shared-metrics.ts. */
  tellMetrics(): Promise<string>;
};

/** Opens the log at `databaseUrl`, migrating it, and starts what listens to it. */
export async function openSite(config: Config, databaseUrl: string, logger: Logger): Promise<Site> {
  const metrics = createMetrics();
  await migrate(databaseUrl);
  const db = connect(databaseUrl, { poolMax: config.poolMax });
  db.on("query", () => metrics.queries.inc());
  try {
    const log = await openLog(db);
    await fillSkeletons(db, roomSkeletonOf);
    warnOfUnsafe(await unsafeSettings(db), logger);
    return await startSite(config, databaseUrl, logger, metrics, db, log);
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/** Stops what brings news first: bus, readers, presence, pool. */
export async function closeSite(site: Site): Promise<void> {
  await site.bus.stop();
  site.confirmations.stop();
  site.hub.stop();
  await site.presence.stop();
  await site.pruning.stop();
  site.revocations.stop();
  await site.roomRemoval.stop();
  await site.db.destroy();
}

async function startSite(
  config: Config,
  url: string,
  logger: Logger,
  metrics: Metrics,
  db: Knex,
  log: LogIdentity,
): Promise<Site> {
  const node = randomBytes(6).toString("hex");
  const { wakeUps, setting, hint } = openWakeUps(config, url, db, log);
  const { sessionDays } = config;
  const revocations = await openRevocations({ db, wakeUps, logger, sessionDays });
  const onReader = (tail: Tail, reader: Reader) => presence.onReader(tail, reader);
  const onMember = (roomId: number) => presence.onPresence([roomId]);
  const hub = createHub({
    db,
    log,
    logger,
    metrics,
    beatMs: config.beatMs,
    readersMax: config.readersMax,
    hasShares: config.hasLimits,
    onReader,
    onMember,
  });
  const presence = createPresence({ db, wakeUps, node, config, logger, hub });
  const confirmations = createConfirmations({ hub, wakeUps, logger });
  const onNews = (roomIds?: number[]) => {
    if (roomIds) return hub.wake(roomIds);
    revocations.refresh();
    // which log it is comes first: another one's events must not follow on this one's
    void hub.checkEpoch().then(() => hub.wake(), wakeAnyway);
  };
  const wakeAnyway = (error: unknown) => {
    logger.debug({ err: error }, "epoch not read");
    hub.wake();
  };
  const subscribers = {
    [PRESENCE_CHANNEL]: (payload: string) => presence.onPresence(payload.split(" ").map(Number)),
    [CONFIRMED_CHANNEL]: (payload: string) => confirmations.onConfirmed(payload.split(" ")),
    [REVOCATION_CHANNEL]: revocations.onRevoked,
  };
  const bus = createBus({ wakeUps, setting, hint, node, logger, metrics, onNews, subscribers });
  const commit = createGroupCommit(db, {
    wakeUps,
    roomMembers: config.roomMembers,
    queueFull: (queue) => refuse("full", QUEUE_FULL[queue], 2),
    onBatch: (size) => metrics.batch.observe(size),
  });
  await bus.start();
  const sessionMs = sessionDays * 24 * 3_600_000;
  const tokens = createTokens({
    secrets: config.secrets ?? [log.secret],
    siteSecret: log.secret,
    sessionMs,
    formerUntil: log.upgradedAt + sessionMs,
  });
  const shares = createShares(config.shares);
  const limits = createRateLimits({
    isOn: config.hasLimits,
    shares,
    onRefused: (limit, scope) => metrics.limited.inc({ limit, scope }),
  });
  const pruning = startPruning(db, config.keepDays, logger);
  const roomRemoval = startRoomRemoval(db, wakeUps, logger);
  return {
    config,
    logger,
    metrics,
    db,
    log,
    commit,
    leave: createLeave(db, wakeUps),
    lobby: createLobby(db),
    people: createPeople(db),
    wakeUps,
    bus,
    hub,
    presence,
    confirmations,
    pruning,
    roomRemoval,
    tokens,
    // the secret in the database outlives a change of CHATTERA_SECRET, and so do trips
    trips: createTrips(log.secret),
    reserved: createReserved(config.reservedNames),
    limits,
    revocations,
    shares,
    isDraining: false,
    verifiedPolls: undefined,
    tellMetrics: () => metrics.registry.metrics(),
  };
}

const QUEUE_FULL = {
  messages: "Too many messages are waiting to be stored. Try again in 2 s.",
  entries: "Many people are entering just now, most of them from your network. Try again in 2 s.",
};

/** How this node hears of news, and what to look at where it does not. */
function openWakeUps(
  config: Config,
  url: string,
  db: Knex,
  log: LogIdentity,
): { wakeUps: WakeUps; setting: string; hint: string } {
  if (config.busUrl === undefined) {
    const hint =
      "Is there a PgBouncer in transaction mode at DATABASE_URL? Set CHATTERA_LISTEN_URL to the database itself to " +
      "have them at once.";
    if (config.listenUrl === BY_PRIMARY) return { wakeUps: sharedWakeUps(db), setting: "the primary's listener", hint };
    const setting = config.listenUrl === undefined ? "DATABASE_URL" : "CHATTERA_LISTEN_URL";
    return { wakeUps: postgresWakeUps(db, config.listenUrl ?? url), setting, hint };
  }
  // the secret is the same on every node of a site and no other's: several sites may share a NATS
  const site = createHash("sha256").update(`bus ${log.secret}`).digest("hex").slice(0, 12);
  const wakeUps = natsWakeUps(config.busUrl, `chattera.${site}`);
  return { wakeUps, setting: "BUS_URL", hint: "May the user in BUS_URL publish and subscribe at that NATS?" };
}

function warnOfUnsafe(settings: string[], logger: Logger): void {
  if (settings.length === 0) return;
  logger.warn(
    { settings },
    "THIS DATABASE MAY LOSE ACKNOWLEDGED MESSAGES when it or its machine falls: switch these settings of PostgreSQL on",
  );
}
