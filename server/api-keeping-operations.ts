import { z } from "zod";
import { DESCRIPTION_LENGTH, PINNED_LENGTH, TITLE_LENGTH } from "../protocol/limits.ts";
import { MODERATION_PATHS } from "../protocol/moderation-paths.ts";
import { PATHS } from "../protocol/paths.ts";
import { WEBHOOK_PATHS } from "../protocol/webhook-paths.ts";
import { acting, type Operation } from "./api-operations.ts";
import { done, mark, named } from "./api-schemas.ts";
import {
  actsSchema,
  audienceSchema,
  banActSchema,
  banMinutesSchema,
  roleSchema,
  seqSchema,
  settingSchemas,
  targetSchemas,
} from "./wire.ts";

const { member, trip, network } = targetSchemas;
const targets = [z.object({ member }), z.object({ trip }), z.object({ network })] as const;
const reason = z.string().max(600).optional();
const reading = [400, 401, 403, 404, 429] as const;

const settings = named(
  "RoomSettings",
  z.looseObject({
    title: z.string(),
    description: z.string(),
    pinned: z.string(),
    listed: z.boolean(),
    silentEntry: z.boolean(),
    password: z.boolean(),
    mayRead: audienceSchema,
    mayEnter: audienceSchema,
    maySpeak: audienceSchema,
    locked: z.boolean(),
    slowSeconds: settingSchemas.slowSeconds,
    autoSlow: z.boolean(),
    newcomerSeconds: settingSchemas.newcomerSeconds,
    links: z.boolean(),
    blockedWords: z.array(z.string()),
    historyForNewcomers: settingSchemas.historyForNewcomers.nullable(),
    keepDays: settingSchemas.keepDays.nullable(),
  }),
);
const change = named(
  "SettingsChange",
  settings
    .extend({
      title: z.string().max(2 * TITLE_LENGTH),
      description: z.string().max(2 * DESCRIPTION_LENGTH),
      pinned: z.string().max(2 * PINNED_LENGTH),
      password: z.string().nullable(),
    })
    .partial(),
);
const settingsAnswer = named("SettingsAnswer", z.looseObject({ ...mark, settings }));
const holder = { role: roleSchema };
const ban = named(
  "Ban",
  z.looseObject({
    id: z.int(),
    kind: z.enum(["member", "trip", "network"]),
    value: z.string(),
    act: banActSchema,
    secretly: z.boolean(),
    reason: z.string(),
    by: z.string(),
    at: z.string(),
    until: z.string().optional(),
  }),
);
const newBan = { act: banActSchema, secretly: z.boolean().optional(), reason, minutes: banMinutesSchema.optional() };
const bodies = {
  ban: named("NewBan", z.union([targets[0].extend(newBan), targets[1].extend(newBan), targets[2].extend(newBan)])),
  lift: named("Lift", z.object({ ban: seqSchema })),
  resolve: named("Resolution", z.object({ report: seqSchema })),
  target: named("Target", z.union(targets)),
};
const answers = {
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
  key: named("OwnerKey", z.looseObject({ ...mark, ownerKey: z.string() })),
  claimed: named("Claimed", z.looseObject({ ...mark, role: z.literal("owner") })),
  roles: named(
    "Roles",
    z.looseObject({ ...mark, roles: z.array(z.looseObject({ role: z.string(), at: z.string() })) }),
  ),
};
const targetQuery = { member: member.optional(), trip: trip.optional(), network: network.optional() };
const actsQuery = { before: seqSchema.optional(), limit: actsSchema };

/** The calls of the people who keep a room: its owners, its moderators, and those who report. */
export const KEEPING_OPERATIONS: Operation[] = [
  kept(["readSettings", "get", PATHS.settings(":room")], {
    summary: "Reads all settings of a room, for moderators.",
    answers: { 200: settingsAnswer },
  }),
  kept(["changeSettings", "post", PATHS.settings(":room")], {
    summary: "Changes the settings that it names, for owners.",
    body: change,
    answers: { 200: settingsAnswer },
  }),
  kept(["listRoles", "get", PATHS.roles(":room")], {
    summary: "Lists the roles of a room.",
    answers: { 200: answers.roles },
  }),
  kept(["giveRole", "post", PATHS.roles(":room")], {
    summary: "Gives a role to a member or a trip, or takes it.",
    body: named(
      "RoleChange",
      z.union([
        z.object({ member: z.string().max(100), ...holder }),
        z.object({ trip: z.string().max(100), ...holder }),
      ]),
    ),
    answers: { 200: done },
  }),
  kept(["claimRoom", "post", PATHS.claim(":room")], {
    summary: "Makes the session an owner by the room's owner key.",
    body: named("Claim", z.object({ key: z.string().min(1) })),
    answers: { 200: answers.claimed },
  }),
  kept(["renewOwnerKey", "post", PATHS.ownerKey(":room")], {
    summary: "Makes a new owner key. The former one is void.",
    answers: { 200: answers.key },
  }),
  kept(["typePassword", "post", PATHS.password(":room")], {
    summary: "Types the password of a room.",
    body: named("Password", z.object({ password: z.string().min(1) })),
    answers: { 200: done },
    isPersonal: false,
  }),
  kept(["report", "post", MODERATION_PATHS.report(":room")], {
    summary: "Reports a message, a whisper or a person to the moderators.",
    body: named(
      "Report",
      z.union([
        z.object({ seq: seqSchema, reason }),
        z.object({ whisper: seqSchema, reason }),
        z.object({ member: z.string().min(1), reason }),
      ]),
    ),
    answers: { 201: done },
    isPersonal: false,
  }),
  kept(["eraseMessages", "post", MODERATION_PATHS.erase(":room")], {
    summary: "Erases one message, or all of a member, a trip or a network.",
    body: named("Erasure", z.union([z.object({ seq: seqSchema }), ...targets])),
    answers: { 200: answers.erased },
  }),
  kept(["ban", "post", MODERATION_PATHS.bans(":room")], {
    summary: "Silences, shuts out or removes a member, a trip or a network.",
    body: bodies.ban,
    answers: { 201: answers.banned },
  }),
  kept(["listBans", "get", MODERATION_PATHS.bans(":room")], {
    summary: "Lists the bans of a room that hold.",
    answers: { 200: answers.bans },
  }),
  kept(["countBanHits", "get", MODERATION_PATHS.banHit(":room")], {
    summary: "Counts the people whom a ban of one member, trip or network would hit.",
    query: targetQuery,
    answers: { 200: answers.hit },
  }),
  kept(["liftBan", "post", MODERATION_PATHS.banLift(":room")], {
    summary: "Lifts a ban.",
    body: bodies.lift,
    answers: { 200: answers.lifted },
  }),
  kept(["listNetworks", "get", MODERATION_PATHS.networks(":room")], {
    summary: "Lists the people of a room by network.",
    answers: { 200: answers.people },
  }),
  kept(["listReports", "get", MODERATION_PATHS.reports(":room")], {
    summary: "Lists the reports that wait, the oldest first.",
    answers: { 200: answers.reports },
  }),
  kept(["resolveReport", "post", MODERATION_PATHS.reportResolve(":room")], {
    summary: "Takes a report out of the queue.",
    body: bodies.resolve,
    answers: { 200: done },
  }),
  kept(["readModerationLog", "get", MODERATION_PATHS.moderation(":room")], {
    summary: "Reads the log of moderation of a room, newest first.",
    query: actsQuery,
    answers: { 200: answers.acts },
  }),
  kept(["listWebhooks", "get", WEBHOOK_PATHS.ofRoom(":room")], {
    summary: "Lists the incoming webhooks of a room, for owners.",
    answers: {
      200: named(
        "Webhooks",
        z.looseObject({
          ...mark,
          webhooks: z.array(z.looseObject({ name: z.string(), usedAt: z.string().nullable() })),
        }),
      ),
    },
  }),
  kept(["makeWebhook", "post", WEBHOOK_PATHS.ofRoom(":room")], {
    summary: "Makes an incoming webhook. Its address is in this answer only.",
    body: named("NewWebhook", z.object({ name: z.string().min(1) })),
    answers: {
      201: named(
        "MadeWebhook",
        z.looseObject({ ...mark, webhook: z.looseObject({ name: z.string(), url: z.string() }) }),
      ),
    },
  }),
  kept(["revokeWebhook", "post", WEBHOOK_PATHS.revoke(":room")], {
    summary: "Revokes an incoming webhook.",
    body: named("Revocation", z.object({ id: z.string().min(1) })),
    answers: { 200: done },
  }),
  kept(["notify", "post", WEBHOOK_PATHS.incoming(":key")], {
    summary: "Says a notice. The key in the address is the proof.",
    body: named("IncomingNotice", z.object({ text: z.string().min(1), id: z.string().optional() })),
    answers: { 200: named("Notified", z.looseObject({ ...mark, seq: seqSchema })) },
    isPersonal: false,
  }),
];

const switches = z.object({
  readOnly: z.boolean(),
  noNewRooms: z.boolean(),
  speakAfterMinutes: z.int().nonnegative(),
});
const switchesAnswer = named("Switches", z.looseObject({ ...mark, switches: z.looseObject(switches.shape) }));

/** The calls of the site's operators, who have a cookie of their own. */
export const OPERATOR_OPERATIONS: Operation[] = [
  operated(["signIn", "post", MODERATION_PATHS.operatorSession], {
    summary: "Signs an operator in, by the secret or a one-time link.",
    body: named("SignIn", z.union([z.object({ secret: z.string().min(1) }), z.object({ link: z.string().min(1) })])),
    answers: { 201: done },
  }),
  operated(["readSignIn", "get", MODERATION_PATHS.operatorSession], {
    summary: "Says whether this browser is an operator's, and until when.",
    answers: {
      200: named("SignInState", z.looseObject({ ...mark, operator: z.boolean(), until: z.string().optional() })),
    },
  }),
  operated(["signOut", "post", MODERATION_PATHS.operatorSessionEnd], {
    summary: "Signs out here, or all operators everywhere.",
    body: named("SignOut", z.object({ all: z.boolean().optional() })),
    answers: { 200: done },
  }),
  operated(["readSite", "get", MODERATION_PATHS.operate], {
    summary: "Reads the switches, the figures of the site and the load of this node.",
    answers: {
      200: named(
        "SiteState",
        switchesAnswer.extend({ figures: z.looseObject({}), node: z.looseObject({ readers: z.int() }) }),
      ),
    },
  }),
  operated(["readActivity", "get", MODERATION_PATHS.operateActivity], {
    summary: "Reads the people and messages of each ten minutes of the last day.",
    answers: { 200: named("Activity", z.looseObject({ ...mark, activity: z.array(z.looseObject({})) })) },
  }),
  operated(["listAllRooms", "get", MODERATION_PATHS.operateRooms], {
    summary: "Lists all rooms.",
    answers: {
      200: named("AllRooms", z.looseObject({ ...mark, rooms: z.array(z.looseObject({ slug: z.string() })) })),
    },
  }),
  operated(["listAllNetworks", "get", MODERATION_PATHS.operatePeople], {
    summary: "Lists the people of all rooms by network.",
    answers: { 200: answers.people },
  }),
  operated(["listAllReports", "get", MODERATION_PATHS.operateReports], {
    summary: "Lists the reports of all rooms.",
    answers: { 200: answers.reports },
  }),
  operated(["readSiteLog", "get", MODERATION_PATHS.operateLog], {
    summary: "Reads the log of moderation of the whole site.",
    query: actsQuery,
    answers: { 200: answers.acts },
  }),
  operated(["listSiteBans", "get", MODERATION_PATHS.operateBans], {
    summary: "Lists the bans of the whole site that hold.",
    answers: { 200: answers.bans },
  }),
  operated(["countSiteBanHits", "get", MODERATION_PATHS.operateBanHit], {
    summary: "Counts the people whom a ban on the whole site would hit.",
    query: targetQuery,
    answers: { 200: answers.hit },
  }),
  operated(["banOnSite", "post", MODERATION_PATHS.operateBans], {
    summary: "Bans a member, a trip or a network on the whole site.",
    body: bodies.ban,
    answers: { 201: answers.banned },
  }),
  operated(["liftSiteBan", "post", MODERATION_PATHS.operateBanLift], {
    summary: "Lifts a ban of the whole site.",
    body: bodies.lift,
    answers: { 200: answers.lifted },
  }),
  operated(["eraseOnSite", "post", MODERATION_PATHS.operateErase], {
    summary: "Erases all messages of a member, a trip or a network.",
    body: bodies.target,
    answers: { 200: answers.erased },
  }),
  operated(["resolveAnyReport", "post", MODERATION_PATHS.operateReportResolve], {
    summary: "Takes a report of any room out of the queue.",
    body: bodies.resolve,
    answers: { 200: done },
  }),
  operated(["setSwitches", "post", MODERATION_PATHS.operateSwitches], {
    summary: "Sets the emergency switches that it names.",
    body: named("SwitchesChange", switches.partial()),
    answers: { 200: switchesAnswer },
  }),
];

type Call = [id: string, method: Operation["method"], path: string];

type Kept = Omit<Operation, "id" | "method" | "path" | "refusals">;

function kept([id, method, path]: Call, operation: Kept): Operation {
  const refusals = method === "get" ? reading : acting;
  return { id, method, path, refusals, isPersonal: true, ...operation };
}

function operated([id, method, path]: Call, operation: Kept): Operation {
  const refusals = method === "get" ? [400, 401, 429] : [400, 401, 403, 404, 429];
  return { id, method, path, refusals, isOperators: true, ...operation };
}
