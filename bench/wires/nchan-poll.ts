import type { Wire } from "./wire.ts";

/** A poller of nchan: time and tag of the answer before say what comes next. */
export function nchanPoll(firstRequest: string): Wire {
  return ({ head }) => {
    const since = /^last-modified: *(.+?)\r?$/im.exec(head)?.[1];
    const tag = /^etag: *(.+?)\r?$/im.exec(head)?.[1];
    if (since === undefined) return firstRequest;
    const place = `If-Modified-Since: ${since}\r\nIf-None-Match: ${tag}\r\n\r\n`;
    return firstRequest.replace(/\r\n\r\n$/, `\r\n${place}`);
  };
}
