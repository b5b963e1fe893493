import { z } from "zod";
import { MODERATION_PATHS } from "../protocol/moderation-paths.ts";
import { PATHS } from "../protocol/paths.ts";
import { ROLES } from "../protocol/room-settings.ts";
import { WEBHOOK_PATHS } from "../protocol/webhook-paths.ts";
import { acts, type Operation, operatorActs, operatorReads, reads } from "./api-call.ts";
import { done, mark, named } from "./api-schemas.ts";
import {
  actsRequest,
  banRequest,
  claimRequest,
  erasureRequest,
  liftRequest,
  newWebhookRequest,
  noticeRequest,
  passwordRequest,
  removeRoomRequest,
  reportRequest,
  resolutionRequest,
  revocationRequest,
  roleRequest,
  settingsRequest,
  signInRequest,
  signOutRequest,
  switchesRequest,
  targetRequest,
} from "./keeping-requests.ts";
import { seqSchema } from "./wire.ts";

const audience = settingsRequest.shape.mayRead.unwrap();
const settings = named(
  "RoomSettings",
  z.looseObject({
    title: z.string(),
    description: z.string(),
    pinned: z.string(),
    listed: z.boolean(),
    silentEntry: z.boolean(),
    password: z.boolean(),
    mayRead: audience,
    mayEnter: audience,
    maySpeak: audience,
    locked: z.boolean(),
    slowSeconds: z.int(),
    autoSlow: z.boolean(),
    newcomerSeconds: z.int(),
    links: z.boolean(),
    blockedWords: z.array(z.string()),
    historyForNewcomers: z.int().nullable(),
    keepDays: z.int().nullable(),
  }),
);
const ban = named(
  "Ban",
  z.looseObject({
    id: z.int(),
    kind: z.enum(["member", "trip", "network"]),
    value: z.string(),
    act: banRequest.shape.act,
    secretly: z.boolean(),
    reason: z.string(),
    by: z.string(),
    at: z.string(),
    until: z.string().optional(),
  }),
);
const switches = z.looseObject({ readOnly: z.boolean(), noNewRooms: z.boolean(), speakAfterMinutes: z.int() });

const answers = {
  settings: named("SettingsAnswer", z.looseObject({ ...mark, settings })),
  roles: named(
    "Roles",
    z.looseObject({ ...mark, roles: z.array(z.looseObject({ role: z.enum(ROLES), at: z.string() })) }),
  ),
  claimed: named("Claimed", z.looseObject({ ...mark, role: z.literal("owner") })),
  key: named("OwnerKey", z.looseObject({ ...mark, ownerKey: z.string() })),
  erased: named("Erased", z.looseObject({ ...mark, erased: z.int() })),
  banned: named("Banned", z.looseObject({ ...mark, ban, removed: z.int() })),
  lifted: named("Lifted", z.looseObject({ ...mark, ban })),
  bans: named("Bans", z.looseObject({ ...mark, bans: z.array(ban) })),
  hit: named("BanHit", z.looseObject({ ...mark, present: z.int(), sessions: z.int() })),
  people: named("PeopleByNetwork", z.looseObject({ ...mark, people: z.array(z.looseObject({ id: z.string() })) })),
  reports: named("Reports", z.looseObject({ ...mark, reports: z.array(z.looseObject({ id: z.int() })) })),
  acts: named(
    "ModerationLog",
    z.looseObject({
      ...mark,
      acts: z.array(z.looseObject({ id: z.int(), act: z.string() })),
      next: z.int().optional(),
    }),
  ),
  webhooks: named(
    "Webhooks",
    z.looseObject({
      ...mark,
      webhooks: z.array(z.looseObject({ name: z.string(), usedAt: z.string().nullable() })),
    }),
  ),
  madeWebhook: named(
    "MadeWebhook",
    z.looseObject({ ...mark, webhook: z.looseObject({ name: z.string(), url: z.string() }) }),
  ),
  notified: named("Notified", z.looseObject({ ...mark, seq: seqSchema })),
  switches: named("Switches", z.looseObject({ ...mark, switches })),
  site: named(
    "SiteState",
    z.looseObject({ ...mark, switches, figures: z.looseObject({}), node: z.looseObject({ readers: z.int() }) }),
  ),
  signIn: named("SignInState", z.looseObject({ ...mark, operator: z.boolean(), until: z.string().optional() })),
  activity: named("Activity", z.looseObject({ ...mark, activity: z.array(z.looseObject({})) })),
  rooms: named("AllRooms", z.looseObject({ ...mark, rooms: z.array(z.looseObject({ slug: z.string() })) })),
};

const target = named("Target", targetRequest);

type Twin = { where(place: string): string; request?: z.ZodType; answer: z.ZodType; status?: number };

/** Returns the calls that moderators have in a room, and operators on the whole site. */
function twins([room, site]: [[string, string], [string, string]], { where, ...call }: Twin): [Operation, Operation] {
  const isRead = /^(list|count|read)/.test(room[0]);
  const [inRoom, onSite] = isRead ? [reads, operatorReads] : [acts, operatorActs];
  return [
    { ...inRoom(...room, { ...call, summary: where("of a room") }), isPersonal: true },
    onSite(...site, { ...call, summary: where("of the whole site") }),
  ];
}

/** Each call of moderators, and that of operators. */
const MODERATION = [
  twins(
    [
      ["ban", MODERATION_PATHS.bans(":room")],
      ["banOnSite", MODERATION_PATHS.operateBans],
    ],
    {
      where: (place) => `Silences, shuts out or removes a member, a trip or a network ${place}.`,
      request: named("NewBan", banRequest),
      answer: answers.banned,
      status: 201,
    },
  ),
  twins(
    [
      ["listBans", MODERATION_PATHS.bans(":room")],
      ["listSiteBans", MODERATION_PATHS.operateBans],
    ],
    {
      where: (place) => `Lists the bans ${place} that hold.`,
      answer: answers.bans,
    },
  ),
  twins(
    [
      ["countBanHits", MODERATION_PATHS.banHit(":room")],
      ["countSiteBanHits", MODERATION_PATHS.operateBanHit],
    ],
    {
      where: (place) => `Counts the people ${place} whom a ban of one member, trip or network would hit.`,
      request: target,
      answer: answers.hit,
    },
  ),
  twins(
    [
      ["liftBan", MODERATION_PATHS.banLift(":room")],
      ["liftSiteBan", MODERATION_PATHS.operateBanLift],
    ],
    {
      where: (place) => `Lifts a ban ${place}.`,
      request: named("Lift", liftRequest),
      answer: answers.lifted,
    },
  ),
  twins(
    [
      ["listNetworks", MODERATION_PATHS.networks(":room")],
      ["listAllNetworks", MODERATION_PATHS.operatePeople],
    ],
    {
      where: (place) => `Lists the people ${place} by network.`,
      answer: answers.people,
    },
  ),
  twins(
    [
      ["listReports", MODERATION_PATHS.reports(":room")],
      ["listAllReports", MODERATION_PATHS.operateReports],
    ],
    {
      where: (place) => `Lists the reports ${place} that wait, the oldest first.`,
      answer: answers.reports,
    },
  ),
  twins(
    [
      ["resolveReport", MODERATION_PATHS.reportResolve(":room")],
      ["resolveAnyReport", MODERATION_PATHS.operateReportResolve],
    ],
    {
      where: (place) => `Takes a report ${place} out of the queue.`,
      request: named("Resolution", resolutionRequest),
      answer: done,
    },
  ),
  twins(
    [
      ["readModerationLog", MODERATION_PATHS.moderation(":room")],
      ["readSiteLog", MODERATION_PATHS.operateLog],
    ],
    {
      where: (place) => `Reads the log of moderation ${place}, newest first.`,
      request: actsRequest,
      answer: answers.acts,
    },
  ),
];

/** The calls of the people who keep a room: its owners, its moderators, and those who report. */
export const KEEPING_OPERATIONS: Operation[] = [
  reads("readSettings", PATHS.settings(":room"), {
    summary: "Reads all settings of a room, for moderators.",
    answer: answers.settings,
    isPersonal: true,
  }),
  acts("changeSettings", PATHS.settings(":room"), {
    summary: "Changes the settings that it names, for owners.",
    request: named("SettingsChange", settingsRequest),
    answer: answers.settings,
  }),
  reads("listRoles", PATHS.roles(":room"), {
    summary: "Lists the roles of a room.",
    answer: answers.roles,
    isPersonal: true,
  }),
  acts("giveRole", PATHS.roles(":room"), {
    summary: "Gives a role to a member or a trip, or takes it.",
    request: named("RoleChange", roleRequest),
    answer: done,
  }),
  acts("claimRoom", PATHS.claim(":room"), {
    summary: "Makes the session an owner by the room's owner key.",
    request: named("Claim", claimRequest),
    answer: answers.claimed,
  }),
  acts("renewOwnerKey", PATHS.ownerKey(":room"), {
    summary: "Makes a new owner key. The former one is void.",
    answer: answers.key,
  }),
  acts("typePassword", PATHS.password(":room"), {
    summary: "Types the password of a room.",
    request: named("Password", passwordRequest),
    answer: done,
    isPersonal: false,
  }),
  acts("report", MODERATION_PATHS.report(":room"), {
    summary: "Reports a message, a whisper or a person to the moderators.",
    request: named("Report", reportRequest),
    answer: done,
    status: 201,
    isPersonal: false,
  }),
  acts("eraseMessages", MODERATION_PATHS.erase(":room"), {
    summary: "Erases one message or notice, or all of a member, a trip or a network.",
    request: named("Erasure", erasureRequest),
    answer: answers.erased,
  }),
  ...MODERATION.map(([inRoom]) => inRoom),
  reads("listWebhooks", WEBHOOK_PATHS.ofRoom(":room"), {
    summary: "Lists the incoming webhooks of a room, for owners.",
    answer: answers.webhooks,
    isPersonal: true,
  }),
  acts("makeWebhook", WEBHOOK_PATHS.ofRoom(":room"), {
    summary: "Makes an incoming webhook. Its address is in this answer only.",
    request: named("NewWebhook", newWebhookRequest),
    answer: answers.madeWebhook,
    status: 201,
  }),
  acts("revokeWebhook", WEBHOOK_PATHS.revoke(":room"), {
    summary: "Revokes an incoming webhook.",
    request: named("Revocation", revocationRequest),
    answer: done,
  }),
  acts("notify", WEBHOOK_PATHS.incoming(":key"), {
    summary: "Says a notice. The key in the address is the proof.",
    request: named("IncomingNotice", noticeRequest),
    answer: answers.notified,
    isPersonal: false,
  }),
];

/** The calls of the site's operators, who have a cookie of their own. */
export const OPERATOR_OPERATIONS: Operation[] = [
  operatorActs("signIn", MODERATION_PATHS.operatorSession, {
    summary: "Signs an operator in, by the secret or a one-time link.",
    request: named("SignIn", signInRequest),
    answer: done,
    status: 201,
  }),
  operatorReads("readSignIn", MODERATION_PATHS.operatorSession, {
    summary: "Says whether this browser is an operator's, and until when.",
    answer: answers.signIn,
  }),
  operatorActs("signOut", MODERATION_PATHS.operatorSessionEnd, {
    summary: "Signs out here, or all operators everywhere.",
    request: named("SignOut", signOutRequest),
    answer: done,
  }),
  operatorReads("readSite", MODERATION_PATHS.operate, {
    summary: "Reads the switches, the figures of the site and the load of this node.",
    answer: answers.site,
  }),
  operatorReads("readActivity", MODERATION_PATHS.operateActivity, {
    summary: "Reads the people and messages of each ten minutes of the last day.",
    answer: answers.activity,
  }),
  operatorReads("listAllRooms", MODERATION_PATHS.operateRooms, { summary: "Lists all rooms.", answer: answers.rooms }),
  operatorActs("eraseOnSite", MODERATION_PATHS.operateErase, {
    summary: "Erases everything of a member, a trip or a network.",
    request: target,
    answer: answers.erased,
  }),
  operatorActs("removeRoom", MODERATION_PATHS.operateRoomRemove, {
    summary: "Removes a room with all that was said in it.",
    request: named("RoomToRemove", removeRoomRequest),
    answer: done,
  }),
  ...MODERATION.map(([, onSite]) => onSite),
  operatorActs("setSwitches", MODERATION_PATHS.operateSwitches, {
    summary: "Sets the emergency switches that it names.",
    request: named("SwitchesChange", switchesRequest),
    answer: answers.switches,
  }),
];
