import { createHash, randomUUID } from "node:crypto";
import type { EventEmitter } from "node:events";
import { followedRooms } from "../../db/log/follow.ts";
import { listMembers, type MemberPosition } from "../../db/log/members.ts";
import { appendNotice } from "../../db/log/notice.ts";
import { addWebhook, listFailures, type WebhookFailure } from "../../db/log/webhooks.ts";
import type { EventKind, Member, RoomEvent } from "../../protocol/event.ts";
import { NICKNAME_LENGTH } from "../../protocol/limits.ts";
import type { RoomSettings } from "../../protocol/room-settings.ts";
import type { Tail } from "../delivery/tail.ts";
import { webhookId } from "../hooks/webhook.ts";
import { changeSettingsOf, readSettingsOf } from "../http/change-settings.ts";
import { type Refusal, refuse } from "../refusal.ts";
import { enter } from "../rooms/enter.ts";
import { type HostMember, type HostUser, readHostMember } from "../rooms/host-member.ts";
import { post, readClientId, readReply, readText } from "../rooms/post.ts";
import { removeRoom } from "../rooms/remove-room.ts";
import type { SettingsChange } from "../rooms/settings.ts";
import { readSlug, readTitle } from "../rooms/slug.ts";
import type { Site } from "../site.ts";
import { emitEvents, KINDS } from "./emit-events.ts";
import { type NamedListener, receiverOf } from "./named-listener.ts";
import { type FollowedEvent, type FollowOptions, readEvents } from "./read-events.ts";
import { type TestClock, testClockOf } from "./test-clock.ts";

export type { HostMember, HostUser, RoomSettings, SettingsChange, TestClock, WebhookFailure };

/** A room, as the host sees it. `head` is the seq of its last event, 0 if there is none. */
export type HostRoom = { slug: string; title: string; public: boolean; head: number };

/**
 * A room to make. Without a title it is called by its slug. A room is in the lobby unless `public`
 * is false.
 */
export type NewHostRoom = { slug: string; title?: string | undefined; public?: boolean | undefined };

/**
 * A message to post: its text, or more of it. `id` makes a resend harmless: 8 to 64 of `A-Z a-z 0-9
 * _ -`. `reply` is the seq of the message that it answers.
 */
export type HostMessage = string | { text: string; id?: string | undefined; reply?: number | undefined };

/**
 * `id` makes a resend harmless. `from` is the name above the notice, by default that of the site.
 */
export type NoticeChoices = { id?: string | undefined; from?: string | undefined; color?: string | undefined };

/** The functions of an app for the host's own code, which may do everything. */
export type HostFunctions = {
  /**
   * Sends a message as a user, and resolves with its event once it is stored. A user who is not in
   * the room enters without a line in the log, and leaves like that after the grace period. Throws
   * a refusal with a `code`, for example `no_such_room`, `text_invalid` or `nickname_taken`.
   */
  post(room: string, member: HostMember, message: HostMessage): Promise<RoomEvent>;
  /** Says something as the site itself, and resolves with the event once it is stored. */
  notice(room: string, text: string, choices?: NoticeChoices): Promise<RoomEvent>;
  /**
   * Reads a room's events in order, and waits for more: `for await (const event of
   * chat.events("lobby", { after }))`. `after` is the `cursor` of the last event that you have
   * handled. Throws a LogReset if the log cannot be continued there.
   */
  events(room: string, options?: FollowOptions): AsyncGenerator<FollowedEvent, void, undefined>;
  /**
   * Returns a session's token for a user, for `Authorization: Bearer` or a client's `token`. Name
   * and color of such a session stay as they are.
   */
  tokenFor(member: HostMember): string;
  /** The time of an app that was opened with `testClock: true`. */
  readonly clock: TestClock;
  /** The webhooks of the site. */
  readonly webhooks: {
    /** Resolves with the events that a receiver never took, the last ones first. */
    failures(url: string): Promise<WebhookFailure[]>;
  };
  /** The rooms, also those that are not in the lobby. */
  readonly rooms: {
    list(): Promise<HostRoom[]>;
    /** Resolves with `undefined` if there is no such room. */
    find(name: string): Promise<HostRoom | undefined>;
    /** Throws a refusal, for example `room_exists` or `reserved`. */
    make(room: NewHostRoom): Promise<HostRoom>;
    /**
     * Removes a room with everything that was said in it. Its readers are disconnected, and a new
     * room of its name is another room. Throws a refusal, for example `no_such_room`.
     */
    remove(name: string): Promise<void>;
    /** Resolves with the people who are in a room. */
    members(name: string): Promise<Member[]>;
    /** Resolves with all settings of a room. */
    settings(name: string): Promise<RoomSettings>;
    /**
     * Changes settings of a room, which says so in a notice of the site. Resolves with all
     * settings. `password: null` removes the password. Throws a refusal, for example `malformed`.
     */
    change(name: string, change: SettingsChange): Promise<RoomSettings>;
  };
};

/** The events of all rooms, by kind. */
export type HostEvents = {
  /**
   * Calls a listener for each event of a kind, from now on and in each process. With a `name`, one
   * process calls it, it continues after a restart where it was, and an event for which it throws
   * or rejects comes again.
   */
  on<Kind extends EventKind>(
    kind: Kind,
    listener: (event: Extract<RoomEvent, { kind: Kind }> & { cursor: string }) => unknown,
    options?: { name?: string | undefined },
  ): unknown;
};

/** Returns the functions for the host's own code, and has the app emit events. */
export function hostFunctions(app: EventEmitter, site: Site): HostFunctions & HostEvents {
  const isEmitting = emitEvents(app, site);
  const named = namedListeners(app, site);
  const listening = () => Promise.all([isEmitting(), named.begun()]);
  return {
    on: named.on,
    post: async (room, member, message) => {
      await listening();
      return postAs(site, { tail: await openRoom(site, room), member: readHostMember(member) }, message);
    },
    notice: async (room, text, choices = {}) => {
      await listening();
      return sayNotice(site, await openRoom(site, room), { ...choices, text });
    },
    events: (room, options = {}) => eventsOf(site, room, options),
    tokenFor: (member) => site.tokens.sign(readHostMember(member), undefined, "host"),
    clock: testClockOf(site),
    webhooks: { failures: (url) => listFailures(site.db, webhookId(url)) },
    rooms: {
      list: async () => (await followedRooms(site.db)).map(roomOf),
      find: (name) => findRoom(site, name),
      make: (room) => makeRoom(site, room),
      remove: async (name) => removeAsHost(site, await openRoom(site, name)),
      members: (name) => membersOf(site, name),
      settings: async (name) => readSettingsOf(site, await openRoom(site, name)),
      change: async (name, settings) => {
        const fields = { ...settings };
        return changeSettingsOf(site, await openRoom(site, name), { fields, member: siteMember(nameOf(site)) });
      },
    },
  };
}

/** Adds names to `on` of an app. `begun` resolves when all listeners have a position. */
function namedListeners(app: EventEmitter, site: Site): { on: HostEvents["on"]; begun(): Promise<unknown> } {
  const addPlain = app.on.bind(app);
  const names = new Set<string>();
  let begun: Promise<unknown> = Promise.resolve();
  const on: HostEvents["on"] = (kind, listener, { name } = {}) => {
    if (name === undefined) return addPlain(kind, listener);
    if (!KINDS.includes(kind)) throw new TypeError(`kind: one of ${KINDS.join(", ")}`);
    if (!/^[\w.-]{1,64}$/.test(name)) throw new TypeError("name: 1 to 64 of A-Z a-z 0-9 _ . -");
    if (names.has(`${kind} ${name}`)) throw new TypeError(`name: ${name} listens to ${kind} already`);
    names.add(`${kind} ${name}`);
    const receiver = receiverOf({ kind, name, listener } as NamedListener);
    // While the database is away, the listener begins later.
    const added = addWebhook(site.db, receiver.id).catch(() => undefined);
    begun = Promise.all([begun, added]);
    site.webhooks.add(receiver);
    return app;
  };
  return { on, begun: () => begun };
}

async function* eventsOf(site: Site, room: string, options: FollowOptions) {
  yield* readEvents(site, await openRoom(site, room), options);
}

async function postAs(
  site: Site,
  { tail, member }: { tail: Tail; member: Member },
  given: HostMessage,
): Promise<RoomEvent> {
  const { text, id, reply } = typeof given === "string" ? { ...NOTHING, text: given } : given;
  const message = {
    kind: "message" as const,
    id: readClientId(id ?? randomUUID()),
    text: readText(text),
    reply: readReply(reply),
  };
  await enter(site.commit, { room: tail, member, isSilent: true, network: undefined }, { share: HOST });
  const options = { share: HOST, network: () => undefined, patienceMs: 0, isKnown: true };
  const { event, isNew } = await post(site.commit, { room: tail, member, message }, options);
  if (isNew) site.metrics.appended.inc();
  return event;
}

const NOTHING = { id: undefined, reply: undefined };

/** The share of the entry queue in which the host counts. */
const HOST = "host";

async function sayNotice(
  site: Site,
  tail: Tail,
  { id, from, color, text }: NoticeChoices & { text: string },
): Promise<RoomEvent> {
  const author = siteMember(from ?? nameOf(site), color);
  const notice = { roomId: tail.id, member: author, text: readText(text), clientId: readClientId(id ?? randomUUID()) };
  const stored = await appendNotice(site.db, notice, site.wakeUps);
  if (stored === undefined) throw refuse("no_such_room");
  if (stored.isNew) site.metrics.appended.inc();
  return stored.event;
}

/** Names with another id are other members, whose colors and messages are their own. */
function siteMember(nickname: string, color?: string): Member {
  return readHostMember({ id: `site-${letters(nickname)}`, nickname, color });
}

/** The name of a site may be longer than a nickname. */
function nameOf({ config }: Site): string {
  return config.siteName.length <= NICKNAME_LENGTH ? config.siteName : "chattera";
}

function letters(name: string): string {
  return createHash("sha256").update(name).digest("base64url").slice(0, 12);
}

async function openRoom(site: Site, name: string): Promise<Tail> {
  const slug = readSlug(name);
  const [tail] = slug === undefined ? [] : ((await site.hub.rooms.open([slug])) ?? []);
  if (tail === undefined) throw refuse("no_such_room");
  return tail;
}

async function findRoom(site: Site, name: string): Promise<HostRoom | undefined> {
  const tail = await openRoom(site, name).catch((error: Refusal) => {
    if (error.code !== "no_such_room") throw error;
  });
  const [room] = tail === undefined ? [] : await followedRooms(site.db, [tail.id]);
  return room && roomOf(room);
}

async function removeAsHost(site: Site, tail: Tail): Promise<void> {
  await removeRoom(site, { moderator: { by: "host", byName: nameOf(site) }, room: tail });
  site.hub.close(tail);
  site.followers.wake([tail.id]);
  site.lobby.forget();
}

/** Reads all people of a room, a page at a time. */
async function membersOf(site: Site, name: string): Promise<Member[]> {
  const { id } = await openRoom(site, name);
  const found: Member[] = [];
  for (let after: MemberPosition | undefined; ; ) {
    const { members, last } = await listMembers(site.db, id, { after, limit: PEOPLE_PAGE });
    found.push(...members);
    if (last === undefined || members.length < PEOPLE_PAGE) return found;
    after = last;
  }
}

const PEOPLE_PAGE = 200;

function roomOf({ slug, title, public: isPublic, head }: HostRoom): HostRoom {
  return { slug, title, public: isPublic, head };
}

async function makeRoom(site: Site, { slug: typed, title, public: isPublic = true }: NewHostRoom): Promise<HostRoom> {
  const slug = readSlug(typed);
  if (slug === undefined) throw refuse("malformed", "slug: 1 to 64 letters, digits, - and _");
  const room = { slug, title: readTitle(title, slug), public: isPublic };
  await site.makeRoom(room, { network: "", wideNetwork: "", limits: undefined, member: undefined });
  return { ...room, head: 0 };
}
