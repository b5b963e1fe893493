import type { z } from "zod";

/** One call of the API, as openapi.json describes it. */
export type Operation = {
  id: string;
  method: "get" | "post";
  path: string;
  summary: string;
  /** The schema by which the server reads the call: the body of a POST, the query of a GET. */
  request?: z.ZodType;
  /** The answers by their status: a schema, or the type of a stream. */
  answers: { [status: number]: z.ZodType | string };
  refusals: readonly number[];
  /** Needs a session. */
  isPersonal?: boolean;
  /** Needs an operator's cookie. */
  isOperators?: boolean;
};

type Described = Pick<Operation, "summary" | "request"> & Partial<Pick<Operation, "isPersonal" | "refusals">>;
type Answered = Described & { answer: z.ZodType | string; status?: number };

/** Returns a call that reads something in a room. */
export function reads(id: string, path: string, { answer, ...call }: Answered): Operation {
  return { id, method: "get", path, answers: { 200: answer }, refusals: [400, 401, 403, 404, 429], ...call };
}

/** Returns a call that reads events, and may wait for them. */
export function follows(id: string, path: string, { answer, ...call }: Answered): Operation {
  return { id, method: "get", path, answers: { 200: answer }, refusals: [400, 403, 404], ...call };
}

/** Returns a call that changes something in a room, in the name of a session. */
export function acts(id: string, path: string, { answer, status = 200, ...call }: Answered): Operation {
  const refusals = [400, 401, 403, 404, 409, 429, 503];
  return { id, method: "post", path, answers: { [status]: answer }, refusals, isPersonal: true, ...call };
}

/** Returns a call that stores an event, or finds it stored already. */
export function stores(id: string, path: string, { answer, ...call }: Answered): Operation {
  return { ...acts(id, path, { answer, ...call }), answers: { 200: answer, 201: answer } };
}

/** Returns the same call by POST. */
export function byPost(call: Operation): Operation {
  return { ...call, id: `${call.id}ByPost`, method: "post", summary: also(call, "with its parameters in the body") };
}

/** Returns the same call by GET. */
export function byGet(call: Operation, path = call.path): Operation {
  return { ...call, id: `${call.id}ByGet`, method: "get", path, summary: also(call, "for networks that block POST") };
}

function also({ summary }: Operation, how: string): string {
  return `${summary.replace(/\.$/, "")}, ${how}.`;
}

/** Returns a call of the site's operators that reads something. */
export function operatorReads(id: string, path: string, call: Answered): Operation {
  return { ...reads(id, path, call), refusals: [400, 401, 429], isOperators: true };
}

/** Returns a call of the site's operators that changes something. */
export function operatorActs(id: string, path: string, call: Answered): Operation {
  return { ...acts(id, path, call), refusals: [400, 401, 403, 404, 429], isPersonal: false, isOperators: true };
}
