import { PATHS } from "./paths.ts";

const operate = "/api/operate";

/**
 * The paths of reports, moderators and operators. Only pages that use them load this file. All of a
 * room's begin with the path of its state.
 */
export const MODERATION_PATHS = {
  report: (slug: string) => `${PATHS.roomState(slug)}/report`,
  erase: (slug: string) => `${PATHS.roomState(slug)}/erase`,
  bans: (slug: string) => `${PATHS.roomState(slug)}/bans`,
  banHit: (slug: string) => `${PATHS.roomState(slug)}/bans/hit`,
  banLift: (slug: string) => `${PATHS.roomState(slug)}/bans/lift`,
  networks: (slug: string) => `${PATHS.roomState(slug)}/networks`,
  reports: (slug: string) => `${PATHS.roomState(slug)}/reports`,
  reportResolve: (slug: string) => `${PATHS.roomState(slug)}/reports/resolve`,
  moderation: (slug: string) => `${PATHS.roomState(slug)}/moderation`,
  operate,
  operatorSession: `${operate}/session`,
  operatorSessionEnd: `${operate}/session/end`,
  operateActivity: `${operate}/activity`,
  operateRooms: `${operate}/rooms`,
  operateRoomRemove: `${operate}/rooms/remove`,
  operatePeople: `${operate}/people`,
  operateErase: `${operate}/erase`,
  operateBans: `${operate}/bans`,
  operateBanHit: `${operate}/bans/hit`,
  operateBanLift: `${operate}/bans/lift`,
  operateReports: `${operate}/reports`,
  operateReportResolve: `${operate}/reports/resolve`,
  operateLog: `${operate}/log`,
  operateSwitches: `${operate}/switches`,
} as const;
