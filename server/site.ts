import { createHash, randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Knex } from "knex";
import type { Registry } from "prom-client";
import { createGroupCommit, type GroupCommit } from "../db/log/group-commit.ts";
import { createLeave, type Leave } from "../db/log/leave.ts";
import { type LogIdentity, openLog, refusedFunctions, unsafeSettings } from "../db/log/log.ts";
import { CONFIRMED_CHANNEL, PRESENCE_CHANNEL } from "../db/log/presence.ts";
import { REVOCATION_CHANNEL } from "../db/log/revocations.ts";
import { ROOM_CHANNEL } from "../db/log/room-rules.ts";
import { fillSkeletons, type KeptRoom, keepRooms } from "../db/log/rooms.ts";
import { MODERATION_CHANNEL } from "../db/log/switches.ts";
import { installTestClock } from "../db/log/test-clock.ts";
import { ofSchema, postgresWakeUps, type WakeUps } from "../db/log/wake-ups.ts";
import { INBOX_CHANNEL } from "../db/log/whispers.ts";
import { migrate } from "../db/migrate.ts";
import { assertWritable } from "../db/pool/check-database.ts";
import { connect } from "../db/pool/connect.ts";
import { StartError } from "../db/start-error.ts";
import { type Bans, openBans } from "./bus/bans.ts";
import { Bus } from "./bus/bus.ts";
import { natsWakeUps } from "./bus/nats.ts";
import { createPeers, PEERS_CHANNEL, type Peers } from "./bus/peers.ts";
import { openRevocations, type Revocations } from "./bus/revocations.ts";
import { sharedWakeUps } from "./bus/shared-listener.ts";
import { clockAhead, moveClockTo } from "./clock.ts";
import type { NodeConfig } from "./config.ts";
import { watchChanges } from "./delivery/change-watch.ts";
import { type Confirmations, createConfirmations } from "./delivery/confirmations.ts";
import { createFollowers, type Followers } from "./delivery/followers.ts";
import { Hub } from "./delivery/hub.ts";
import { retryMs } from "./delivery/retry.ts";
import { type RoomWatch, watchRooms } from "./delivery/room-watch.ts";
import { type Staleness, watchStaleness } from "./delivery/staleness.ts";
import { createNetworkLetters, type LettersOf } from "./guard/network-letters.ts";
import { createOperators, type Operators } from "./guard/operators.ts";
import { createRateLimits, type RateLimits } from "./guard/rate-limit.ts";
import { createShares, type Shares } from "./guard/shares.ts";
import { startWebhooks, type Webhooks, webhooksOf } from "./hooks/start-webhooks.ts";
import type { AskHost, Authorize, SeeRooms } from "./http/authorize.ts";
import { hostOf } from "./http/host-of.ts";
import type { FindUser, Identify } from "./http/identify.ts";
import { recheckByHost } from "./http/recheck-host.ts";
import { createAccess, type SiteAccess } from "./http/site-access.ts";
import { createSlowMode, type SlowMode } from "./http/slow-mode.ts";
import { createVerifiedPolls, type VerifiedPolls } from "./http/verified-polls.ts";
import type { Logger } from "./log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createOutage, type Outage } from "./outage.ts";
import { Presence } from "./presence/presence.ts";
import { createSightings, type Sightings } from "./presence/sightings.ts";
import { refuse } from "./refusal.ts";
import { readKeptRooms } from "./rooms/kept-rooms.ts";
import { createLobby, type Lobby } from "./rooms/lobby.ts";
import { createMakeRoom, type MakeRoom } from "./rooms/make-room.ts";
import { createPeople, type ReadPeople } from "./rooms/people.ts";
import { createReserved, type Reserved } from "./rooms/reserved.ts";
import { roomSkeletonOf } from "./rooms/skeleton.ts";
import { createTrips, type Trips } from "./rooms/trip.ts";
import { type Theme, themeOf } from "./theme.ts";
import { createTokens, type TokenOptions, type Tokens } from "./token.ts";
import { startActivity } from "./upkeep/activity.ts";
import type { BackgroundWork } from "./upkeep/background-work.ts";
import { startPruning } from "./upkeep/pruning.ts";
import { startRoomRemoval } from "./upkeep/room-removal.ts";

/** One node of the site, with all that its routes use. It is complete when it is created. */
export type Site = Readonly<{
  config: NodeConfig;
  logger: Logger;
  metrics: Metrics;
  db: Knex;
  log: LogIdentity;
  commit: GroupCommit;
  /** Notes whether messages can be stored. */
  storing: Outage;
  leave: Leave;
  lobby: Lobby;
  makeRoom: MakeRoom;
  people: ReadPeople;
  wakeUps: WakeUps;
  bus: Bus;
  hub: Hub;
  /** The readers of the log besides the hub. */
  followers: Followers;
  presence: Presence;
  confirmations: Confirmations;
  slowMode: SlowMode;
  /** Decides what people may do, and follows the settings of the rooms in memory. */
  access: SiteAccess;
  roomWatch: RoomWatch;
  stopWatchingChanges(): void;
  stopRechecking(): void;
  pruning: BackgroundWork;
  roomRemoval: BackgroundWork;
  tokens: Tokens;
  trips: Trips;
  reserved: Reserved;
  theme: Theme;
  limits: RateLimits;
  revocations: Revocations;
  bans: Bans;
  /** Returns the letters by which moderators name the networks of an address. */
  lettersOf: LettersOf;
  sightings: Sightings;
  operators: Operators;
  activity: BackgroundWork;
  webhooks: Webhooks;
  shares: Shares;
  isDraining: boolean;
  /**
   * Readers are sent to other nodes: this one is draining, or cannot read the log while another
   * can.
   */
  sendsAway: boolean;
  /** The name by which other nodes know this one. Workers of a process have one name. */
  name: string;
  peers: Peers;
  staleness: Staleness;
  /** Finds the user of the host that a request comes from. */
  findUser: FindUser | undefined;
  /** Asks the host whether somebody may do something. */
  askHost: AskHost | undefined;
  /** Asks the host which rooms of the lobby somebody may see. */
  seeRooms: SeeRooms | undefined;
  /** The polls that take the fast path. `undefined` in a host's app. */
  verifiedPolls: VerifiedPolls | undefined;
  /** Its time can be moved. */
  hasTestClock: boolean;
  /** The site is served by a server of its own, and not in a host's app. */
  hasOwnServer: boolean;
  /** Returns the metrics for Prometheus. A worker returns the sum of all workers. */
  metricsText(): Promise<string>;
  /** Makes the node unready and sends its readers away. They come back on other nodes. */
  drain(): void;
}>;

/** The options of a node that are no settings. */
export type SiteOptions = {
  logger: Logger;
  /**
   * Polls may take the fast path. Off in a host's app, where each poll must pass the host's
   * middleware.
   */
  keepsPolls?: boolean;
  /** The time of the site can be moved, for tests. */
  testClock?: boolean | undefined;
  /** Says which user of the host a request comes from. By default there are none. */
  identify?: Identify | undefined;
  /** Says what people may do, besides the rules of rooms. By default these decide alone. */
  authorize?: Authorize | undefined;
  /**
   * This node is a worker. Its primary listens to the database, and adds up the metrics of all
   * workers.
   */
  worker?: { sumMetrics(registry: Registry): () => Promise<string> };
};

/** The parts that the others are built from: the settings and the connection to the log. */
type Base = Pick<Site, "config" | "logger" | "metrics" | "db" | "log" | "findUser" | "askHost" | "seeRooms">;

/** Opens a node on its database, which is migrated first. */
export async function openSite(config: NodeConfig, options: SiteOptions): Promise<Site> {
  const { logger } = options;
  const rooms = keptRoomsOf(config);
  webhooksOf(config);
  const host = hostOf(config, options);
  const metrics = createMetrics();
  const { database, schema, poolMax } = config;
  await migrate(database, (line) => logger.info(line), schema);
  const hasTestClock = options.testClock === true;
  const db = connect(database, { poolMax, schema, hasTestClock });
  db.on("query", () => metrics.queries.inc());
  try {
    await assertWritable(db);
    const log = await openLog(db);
    if (hasTestClock) moveClockTo(await installTestClock(db, clockAhead()));
    await fillSkeletons(db, roomSkeletonOf);
    if (rooms.length > 0) await keepRooms(db, rooms);
    warnOfUnsafe(await unsafeSettings(db), logger);
    warnOfRefused(refusedFunctions(db), logger);
    return await startSite({ config, logger, metrics, db, log, ...host }, options);
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

function keptRoomsOf({ rooms }: NodeConfig): KeptRoom[] {
  try {
    return readKeptRooms(rooms);
  } catch (error) {
    throw new StartError(`rooms (CHATTERA_ROOMS): ${(error as Error).message}`);
  }
}

/**
 * Closes a node: first the sources of events, then its readers, presence and background work, then
 * the pool.
 */
export async function closeSite(site: Site): Promise<void> {
  await site.bus.stop();
  site.followers.stop();
  await site.webhooks.stop();
  site.stopWatchingChanges();
  site.stopRechecking();
  site.roomWatch.stop();
  site.confirmations.stop();
  site.peers.stop();
  site.staleness.stop();
  site.hub.stop();
  await site.presence.stop();
  await site.pruning.stop();
  site.revocations.stop();
  site.bans.stop();
  site.sightings.stop();
  await site.activity.stop();
  await site.roomRemoval.stop();
  await site.db.destroy();
}

async function startSite(base: Base, { keepsPolls, worker, testClock }: SiteOptions): Promise<Site> {
  const { config, logger, metrics, db, log } = base;
  const lobby = createLobby(db);
  const delivery = await startDelivery(base, { isWorker: worker !== undefined, lobby });
  const { hub, revocations, staleness, wakeUps } = delivery;
  const shares = createShares(config.shares);
  const limits = createRateLimits({
    isOn: config.limits,
    shares,
    onRefused: (limit, scope) => metrics.limited.inc({ limit, scope }),
  });
  const draining = createDraining(hub, lobby);
  const reserved = createReserved(config.reservedNames);
  const sendsAway = () => draining.hasBegun() || staleness.hasRefuge();
  const polled = {
    hub,
    revocations,
    limits,
    logger,
    metrics,
    get sendsAway() {
      return sendsAway();
    },
  };
  return {
    ...base,
    ...delivery,
    leave: createLeave(db, wakeUps),
    lobby,
    makeRoom: createMakeRoom({ db, log, lobby, reserved, roomsMax: config.roomsMax }),
    people: createPeople(db),
    pruning: startPruning(db, config.historyDays, logger),
    roomRemoval: startRoomRemoval(db, wakeUps, logger),
    activity: startActivity({ db, metrics, logger }),
    webhooks: startWebhooks(webhooksOf(config), { db, log, logger, followers: delivery.followers }),
    sightings: createSightings({ db, logger }),
    operators: createOperators({ secret: config.operatorSecret, siteSecret: log.secret }),
    tokens: createTokens(tokenOptions(config, log)),
    // The secret in the database outlives a change of the configured secrets, and so do trips.
    trips: createTrips(log.secret),
    reserved,
    theme: themeOf(config.themeLight, config.themeDark),
    limits,
    slowMode: createSlowMode({ db, wakeUps, logger, detectsRaids: config.limits }),
    shares,
    get isDraining() {
      return draining.hasBegun();
    },
    get sendsAway() {
      return sendsAway();
    },
    // A kept poll asks nobody, and its user may have been signed out.
    verifiedPolls: keepsPolls && !base.findUser && !base.askHost ? createVerifiedPolls(polled) : undefined,
    hasOwnServer: keepsPolls === true,
    hasTestClock: testClock === true,
    stopRechecking: recheckByHost({ ...base, hub }),
    metricsText: worker ? worker.sumMetrics(metrics.registry) : () => metrics.registry.metrics(),
    drain: draining.begin,
  };
}

type Delivery = Pick<
  Site,
  | "wakeUps"
  | "bus"
  | "hub"
  | "followers"
  | "presence"
  | "confirmations"
  | "revocations"
  | "bans"
  | "commit"
  | "storing"
  | "name"
  | "peers"
  | "staleness"
  | "stopWatchingChanges"
  | "access"
  | "lettersOf"
  | "roomWatch"
>;

/**
 * Starts the parts that deliver events from the log to this node's readers, and messages into the
 * log.
 */
async function startDelivery(base: Base, { isWorker, lobby }: { isWorker: boolean; lobby: Lobby }): Promise<Delivery> {
  const { config, logger, metrics, db, log } = base;
  const node = randomBytes(6).toString("hex");
  const { wakeUps, setting, hint } = openWakeUps(base, isWorker);
  const revocations = await openRevocations({ db, wakeUps, logger, sessionDays: config.sessionDays });
  const bans = await openBans({ db, logger });
  const hub = new Hub({
    db,
    log,
    logger,
    metrics,
    longestTickMs: config.tickMs,
    readersMax: config.readersMax,
    hasShares: config.limits,
    onReader: (tail, reader) => presence.onReader(tail, reader),
    onMoves: (tail, events) => presence.onMoves(tail, events),
  });
  const presence = new Presence({ db, wakeUps, node, config, logger, hub });
  const confirmations = createConfirmations({ hub, wakeUps, logger });
  const lettersOf = createNetworkLetters(log.secret);
  const access = startAccess({ ...base, hub, bans, revocations, lettersOf });
  const roomWatch = watchRooms({ db, hub, logger, onChange: (tail) => access.recheckAll([tail]) });
  const onRooms = (payload: string) =>
    void roomWatch.refresh(payload.split(" ").map(Number)).catch((error) => {
      logger.debug({ err: error }, "settings of rooms not read");
    });
  const name = nameOf(log, isWorker);
  const peers = createPeers({ name, wakeUps, logger });
  const staleness = watchStaleness({ hub, logger, canOthersServe: peers.canServe });
  const subscribers = {
    [PRESENCE_CHANNEL]: (payload: string) => presence.onPresence(payload.split(" ").map(Number)),
    [CONFIRMED_CHANNEL]: (payload: string) => confirmations.onConfirmed(payload.split(" ")),
    [REVOCATION_CHANNEL]: revocations.onRevoked,
    [MODERATION_CHANNEL]: () => void bans.refresh(),
    [PEERS_CHANNEL]: peers.onAnnounced,
    [INBOX_CHANNEL]: (payload: string) => hub.inboxes.onMade(payload),
    [ROOM_CHANNEL]: onRooms,
  };
  const followers = createFollowers();
  const onWakeUp = wakeHub({ hub, followers, revocations, logger });
  const bus = new Bus({ wakeUps, setting, hint, node, logger, metrics, onWakeUp, subscribers });
  const storing = createOutage(logger, "storing messages");
  const commit = createGroupCommit(db, {
    wakeUps,
    roomMembers: config.roomMembers,
    queueFull: (queue) => refuse("full", QUEUE_FULL[queue], 2),
    onBatch: (size) => metrics.batch.observe(size),
    onStored: (error) => (error === undefined ? storing.succeeded() : storing.failed(error)),
  });
  await bus.start();
  const stopWatchingChanges = watchChanges({ db, hub, logger, lobby });
  return {
    ...{ wakeUps, bus, hub, followers, presence, confirmations, revocations, bans, commit, storing, name, peers },
    ...{ staleness, access, roomWatch, lettersOf, stopWatchingChanges },
  };
}

/** Starts to decide about people, by the site's settings, its switches and bans. */
function startAccess({
  config,
  db,
  hub,
  bans,
  revocations,
  lettersOf,
  askHost,
}: Pick<Site, "config" | "db" | "hub" | "bans" | "revocations" | "lettersOf" | "askHost">): SiteAccess {
  const access = createAccess({
    db,
    hub,
    askHost,
    isRevoked: revocations.isRevoked,
    siteRules: () => {
      const { readOnly, noNewRooms, speakAfterMinutes } = bans.switches();
      return {
        newRooms: config.newRooms,
        isReadOnly: readOnly,
        takesNewRooms: !noNewRooms,
        speakingAgeMs: speakAfterMinutes * 60_000,
      };
    },
    banOf: ({ member, address }, roomId) =>
      bans.isEmpty() ? undefined : bans.on({ memberId: member?.id, trip: member?.trip, ...lettersOf(address) }, roomId),
  });
  bans.onChange(() => access.recheckAll());
  revocations.onEnd(access.recheckMember);
  return access;
}

/** A worker answers for all workers of its process, since they share the port. */
function nameOf(log: LogIdentity, isWorker: boolean): string {
  const seed = isWorker ? `${log.secret} ${hostname()} ${process.ppid}` : randomBytes(16);
  return createHash("sha256").update(seed).digest("hex").slice(0, 12);
}

const QUEUE_FULL = {
  messages: "Too many messages are waiting to be stored. Try again in 2 s.",
  entries: "Many people are entering just now, most of them from your network. Try again in 2 s.",
};

/** Returns the listener for wake-ups: of some rooms, or of all after a time without wake-ups. */
function wakeHub({ hub, followers, revocations, logger }: Pick<Site, "hub" | "followers" | "revocations" | "logger">) {
  return (roomIds?: number[]) => {
    followers.wake(roomIds);
    if (roomIds) return hub.wake(roomIds);
    revocations.refresh();
    void hub.inboxes.look();
    // Check the epoch first, since events of another log must not follow on those of this one.
    void hub.rooms.checkEpoch().then(
      () => hub.wake(),
      (error) => {
        logger.debug({ err: error }, "epoch not read");
        hub.wake();
      },
    );
  };
}

type Draining = { hasBegun(): boolean; begin(): void };

function createDraining(hub: Hub, lobby: Lobby): Draining {
  let hasBegun = false;
  return {
    hasBegun: () => hasBegun,
    begin: () => {
      hasBegun = true;
      lobby.forget();
      // Counted once up front, so every reader gets a delay scaled to the whole crowd.
      const crowd = hub.readers.size;
      for (const reader of hub.readers) hub.sendAway(reader, { retry: retryMs(crowd) });
    },
  };
}

function tokenOptions({ secrets, sessionDays }: NodeConfig, log: LogIdentity): TokenOptions {
  const sessionMs = sessionDays * 24 * 3_600_000;
  return {
    secrets: secrets ?? [log.secret],
    siteSecret: log.secret,
    sessionMs,
    formerUntil: log.upgradedAt + sessionMs,
  };
}

/** The source of a node's wake-ups. `setting` and `hint` are logged if none arrive. */
type WakeUpSource = { wakeUps: WakeUps; setting: string; hint: string };

function openWakeUps({ config, db, log }: Base, isWorker: boolean): WakeUpSource {
  const { busUrl, listenUrl, database, schema } = config;
  if (busUrl !== undefined) {
    // Several sites may share a NATS server. The secret is the same on all nodes of a site, and of
    // no other.
    const site = createHash("sha256").update(`bus ${log.secret}`).digest("hex").slice(0, 12);
    const wakeUps = natsWakeUps(busUrl, `chattera.${site}`);
    return { wakeUps, setting: "BUS_URL", hint: "May the user in BUS_URL publish and subscribe at that NATS?" };
  }
  const hint =
    "Is there a PgBouncer in transaction mode at DATABASE_URL? Set CHATTERA_LISTEN_URL to the database itself to " +
    "have them at once.";
  if (isWorker) return { wakeUps: ofSchema(sharedWakeUps(db), schema), setting: "the primary's listener", hint };
  const setting = listenUrl === undefined ? "DATABASE_URL" : "CHATTERA_LISTEN_URL";
  return { wakeUps: ofSchema(postgresWakeUps(db, listenUrl ?? database), schema), setting, hint };
}

function warnOfUnsafe(settings: string[], logger: Logger): void {
  if (settings.length === 0) return;
  logger.warn(
    { settings },
    "the database may lose acknowledged messages when it or its machine fails: switch these PostgreSQL settings on",
  );
}

function warnOfRefused(functions: string[], logger: Logger): void {
  if (functions.length === 0) return;
  logger.warn(
    { functions },
    "the database refuses these functions, so a restored or promoted copy of it may go unnoticed: after one, give the log a new identity by hand (docs/operations.md)",
  );
}
