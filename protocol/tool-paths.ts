import { PATHS } from "./paths.ts";

/*
 * The pages of people who keep a room or the site. They are functions and not members of PATHS, so
 * that a script contains only those that it uses.
 */

/** Returns the path of the page of a message: its reports and what moderators do about it. */
export function messageActsPath(slug: string, seq: number | ":seq"): string {
  return `${PATHS.room(slug)}/${seq}/acts`;
}

/** Returns the path of the page of a whisper in the reader's inbox: its report. */
export function whisperActsPath(slug: string, member: string, seq: string | undefined): string {
  return `${personActsPath(slug, member)};whisper=${seq}`;
}

/** Returns the path of the page with a room's people. */
export function peoplePath(slug: string): string {
  return `${PATHS.room(slug)}/people`;
}

/** Returns the path of the page of a person in a room. */
export function personActsPath(slug: string, member: string): string {
  return `${peoplePath(slug)}/${member === ":member" ? member : encodeURIComponent(member)}`;
}

/** Returns the path of the page with a room's settings. */
export function settingsPath(slug: string): string {
  return `${PATHS.room(slug)}/settings`;
}

/** Returns the path of the page on which the owner key of a room is used. */
export function claimPath(slug: string): string {
  return `${PATHS.room(slug)}/claim`;
}

/** Returns the path of the page with a room's reports, bans and log of moderation. */
export function moderationPath(slug: string): string {
  return `${PATHS.room(slug)}/moderation`;
}

/** The path of the operators' page. */
export const OPERATE_PATH = "/operate";

/** Returns the path of the page of a network, by its eight letters. */
export function networkPath(network: string): string {
  return `${OPERATE_PATH}/networks/${network}`;
}
