import type { Context } from "koa";
import type { Member } from "../../protocol/event.ts";
import type { Actor } from "../actor.ts";
import type { Act, Denial } from "../rooms/access.ts";
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

/** Returns the function that asks. */
export function askHost(authorize: Authorize): AskHost {
  return async (actor, act, room) => {
    const ctx = contexts.get(actor);
    // Not a request, but a connection that is open already.
    if (ctx === undefined) return undefined;
    const asked = room === undefined ? null : { slug: room.slug, title: room.title, public: room.isPublic };
    const answer = await authorize({ member: actor.member ?? null, room: asked, act, ctx: hostContextOf(ctx) });
    if (answer === true) return undefined;
    return { code: answer === "no_such_room" ? answer : "not_allowed" };
  };
}

/** Notes the request that a person has sent. */
export function noteContext(actor: Actor, ctx: Context): void {
  contexts.set(actor, ctx);
}

const contexts = new WeakMap<Actor, Context>();
