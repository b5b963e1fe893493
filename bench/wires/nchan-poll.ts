import type { Fill, Wire } from "./wire.ts";

/** A poller of nchan: time and tag of the answer before say what comes next. */
export function nchanPoll(polls: Fill): Wire {
  let place = "";
  return (answer) => {
    const since = answer && /^last-modified: *(.+?)\r?$/im.exec(answer.head)?.[1];
    const tag = answer && /^etag: *(.+?)\r?$/im.exec(answer.head)?.[1];
    if (since !== undefined) place = `If-Modified-Since: ${since}\r\nIf-None-Match: ${tag}\r\n`;
    return polls().replace(/\r\n\r\n$/, `\r\n${place}\r\n`);
  };
}
