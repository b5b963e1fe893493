import type { Context } from "koa";
import type { ListedRoom } from "../../db/log/rooms.ts";
import type { Member } from "../../protocol/event.ts";
import type { Actor } from "../actor.ts";
import type { AuthUrl } from "../identity/auth-url.ts";
import type { Credentials } from "../identity/credentials.ts";
import type { Act, Denial } from "../rooms/access.ts";
import { askPatiently, type HostAsking } from "./ask-host.ts";
import type { HostProof } from "./identify.ts";
import { hostContextOf } from "./own-context.ts";

/**
 * A question to the host. `member` is null for a visitor without a session, and `room` is null for
 * the act `create`. `ctx` is the host's context of the request.
 */
export type HostQuestion = {
  member: Member | null;
  room: { slug: string; title: string; public: boolean } | null;
  act: Act;
  ctx: Context;
};

/** Returns whether somebody may do something. `no_such_room` hides the room from them. */
export type Authorize = (question: HostQuestion) => HostAnswer | Promise<HostAnswer>;

/** The host's answer. */
export type HostAnswer = boolean | "no_such_room";

/** The parts of a room that the host is asked about. */
export type AskedRoom = { slug: string; title: string; isPublic: boolean };

/** Asks the host, once all rules of the room allow the act. */
export type AskHost = (actor: Actor, act: Act, room: AskedRoom | undefined) => Promise<Denial | undefined>;

/** Returns the rooms of the lobby that somebody may see. */
export type SeeRooms = (actor: Actor, rooms: ListedRoom[]) => Promise<ListedRoom[]>;

/** The two questions about rights. */
type Rights = { askHost: AskHost; seeRooms: SeeRooms };

/** Returns the functions that ask a function of the host. */
export function askFunction(authorize: Authorize, options: HostAsking): Rights {
  const ask = askPatiently({ name: "authorize", ...options }, authorize, readAnswer);
  const askHost = askBy(async (question) => ask({ ...question, ctx: hostContextOf(question.ctx) }));
  return { askHost, seeRooms: async (actor, rooms) => (await Promise.all(rooms.map(see(actor)))).flat() };

  function see(actor: Actor): (room: ListedRoom) => Promise<ListedRoom[]> {
    return async (room) => {
      const asked = { ...room, isPublic: true };
      if ((await askHost(actor, "see", asked)) !== undefined) return [];
      const mayRead = (await askHost(actor, "read", asked)) === undefined;
      // Neither the last words nor the people of a room are for somebody who may not read it.
      return [mayRead ? room : { ...room, people: [], words: null }];
    };
  }
}

/** A function that forgets to answer forbids everything, which would be hard to understand. */
function readAnswer(answer: unknown): HostAnswer {
  if (typeof answer === "boolean" || answer === "no_such_room") return answer;
  throw new TypeError('authorize answers true, false or "no_such_room"');
}

/** Returns the functions that ask the host by HTTP. */
export function askUrl({ authorize, see }: Pick<AuthUrl, "authorize" | "see">): Rights {
  return {
    askHost: askBy(({ ctx, ...question }) => authorize(question, credentialsOf(ctx))),
    seeRooms: async (actor, rooms) => {
      const asked = rooms.map(({ slug, title }) => ({ slug, title, public: true }));
      const seen = await see({ member: actor.member ?? null, rooms: asked }, credentialsOf(contexts.get(actor)));
      return rooms.filter(({ slug }) => seen.has(slug));
    },
  };
}

function credentialsOf(ctx: Context | undefined): Credentials {
  const proof: HostProof | undefined = ctx?.state.hostProof;
  return proof?.credentials ?? {};
}

function askBy(answerTo: (question: HostQuestion) => Promise<HostAnswer>): AskHost {
  return async (actor, act, room) => {
    const ctx = contexts.get(actor);
    // The site's own readers, and programs with a key of a room.
    if (ctx === undefined) return undefined;
    const asked = room === undefined ? null : { slug: room.slug, title: room.title, public: room.isPublic };
    const answer = await answerTo({ member: actor.member ?? null, room: asked, act, ctx });
    if (answer === true) return undefined;
    return { code: answer === "no_such_room" ? answer : "not_allowed" };
  };
}

/** Notes the request that a person has sent. */
export function noteContext(actor: Actor, ctx: Context): void {
  contexts.set(actor, ctx);
}

/** Returns the request that a person has sent, if it was noted. */
export function contextOf(actor: Actor): Context | undefined {
  return contexts.get(actor);
}

const contexts = new WeakMap<Actor, Context>();
