import { PATHS } from "../../protocol/paths.ts";
import type { Outcome, Receipt, Remark } from "../core/outbox.ts";
import type { Address } from "./address.ts";
import { retryAfterMs } from "./retry-after.ts";

const SHORTEST_MS = 5_000;
const LONGEST_MS = 10_000;

/** Makes one attempt to say a remark. It never throws: what is not known is `again`, and the id makes that harmless. */
export async function say(address: Address, room: string, remark: Remark): Promise<Outcome> {
  // A kept-alive connection may be dead: rather ask again soon, at different times for different people.
  const request = new AbortController();
  const timer = setTimeout(() => request.abort(), SHORTEST_MS + Math.random() * (LONGEST_MS - SHORTEST_MS));
  const startedAt = Date.now();
  try {
    const response = await post(address, PATHS.messages(room), { id: remark.id, text: remark.text }, request.signal);
    return await outcomeOf(response, remark.id, startedAt);
  } catch {
    return { again: true };
  } finally {
    clearTimeout(timer);
  }
}

/** Sends something to the site as JSON. */
export function post(address: Address, path: string, fields: object, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (address.token !== undefined) headers.Authorization = `Bearer ${address.token}`;
  const body = JSON.stringify(address.formToken === undefined ? fields : { ...fields, form_token: address.formToken });
  const request: RequestInit = { method: "POST", headers, body, credentials: "same-origin" };
  return fetch(address.base + path, signal === undefined ? request : { ...request, signal });
}

async function outcomeOf(response: Response, id: string, startedAt: number): Promise<Outcome> {
  const rttMs = Date.now() - startedAt;
  const answer = (await response.json()) as Partial<Receipt> & { code?: string };
  // A login page's 200, a proxy's 403: only what bears our marks is an answer.
  if (response.ok && answer.event?.id === id && answer.cursor !== undefined) {
    return { receipt: { event: answer.event, cursor: answer.cursor }, rttMs };
  }
  const passing = response.status === 429 || response.status >= 500;
  if (!response.ok && !passing && answer.code !== undefined) return { refused: answer.code };
  return { again: true, ...retryAfterMs(response) };
}
