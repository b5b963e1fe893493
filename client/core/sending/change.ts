import type { Member, RoomEvent } from "../../../protocol/event.ts";
import { createClientId } from "../base/environment.ts";
import { createBackoff, nextDelay } from "../network/backoff.ts";
import { act, type Change, type Sender, sendChange, sendRename } from "./send.ts";

/** The outcome of something that was tried until the server answered. */
export type Answered<Value> = { done: Value } | { refused: string };

/** A message to change. Without a text it is erased. */
export type Changing = { room: string; seq: number; text?: string };

/** Something that can be given up. */
type GiveUp = () => void;

/**
 * Edits or erases a message of the author's, retrying until the server answers. Returns a function
 * that gives up.
 */
export function changeMessage(
  sender: Sender,
  changing: Changing,
  done: (outcome: Answered<RoomEvent>) => void,
): GiveUp {
  const change: Change = { ...changing, id: createClientId(sender.environment) };
  return untilAnswered(
    sender,
    (take) => {
      sendChange(sender, change, (outcome) => take("event" in outcome ? { done: outcome.event } : outcome));
    },
    done,
  );
}

/**
 * Renames the member in a room, retrying until the server answers. Returns a function that gives
 * up.
 */
export function renameMember(
  sender: Sender,
  named: { room: string; nickname: string; color?: string | undefined },
  done: (outcome: Answered<Member>) => void,
): GiveUp {
  return untilAnswered(
    sender,
    (take) => {
      sendRename(sender, named, (outcome) => take("member" in outcome ? { done: outcome.member } : outcome));
    },
    done,
  );
}

/**
 * Enters or leaves a room as the session's member, by the path of that, retrying until the server
 * answers. Where only GET passes nothing more can be done: a message enters, and a member that is
 * gone leaves. Returns a function that gives up.
 */
export function moveMember(sender: Sender, path: string, done: (outcome: Answered<true>) => void): GiveUp {
  return untilAnswered(
    sender,
    (take) => {
      act(sender, path, (outcome) => take("refused" in outcome || "retry" in outcome ? outcome : { done: true }));
    },
    done,
  );
}

type Attempted<Value> = Answered<Value> | { retry: true; retryMs?: number | undefined };

function untilAnswered<Value>(
  { environment }: Sender,
  send: (take: (outcome: Attempted<Value>) => void) => void,
  done: (outcome: Answered<Value>) => void,
): GiveUp {
  const backoff = createBackoff(environment);
  let isOver = false;
  let stopWaiting = () => {};
  const attempt = () => {
    send((outcome) => {
      if (isOver) return;
      if ("retry" in outcome) stopWaiting = environment.later(nextDelay(backoff, outcome.retryMs), attempt);
      else {
        isOver = true;
        done(outcome);
      }
    });
  };
  attempt();
  return () => {
    isOver = true;
    stopWaiting();
  };
}
