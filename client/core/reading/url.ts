import { type Address, param, proofParam } from "../base/address.ts";
import type { Reading } from "./transport.ts";

/** Returns the URL of a stream or a poll. */
export function readingUrl(address: Address, path: string, reading: Reading): string {
  let url = address.base + path;
  for (let i = 0; i < reading.rooms.length; i++) url += param("room", reading.rooms[i] as string);
  for (let i = 0; i < reading.after.length; i++) url += param("after", reading.after[i] as string);
  if (reading.ping > 0) url += param("ping", String(reading.ping));
  if (reading.late) url += param("late", "1");
  return url + proofParam(address) + param("n", reading.nonce);
}
