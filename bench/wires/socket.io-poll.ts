import type { Fill, Wire } from "./wire.ts";

/**
 * A reader of Socket.IO's long-polls. [Engine.IO 4] A GET brings the session's id, a POST of 40
 * joins the namespace, a POST of 3 answers the ping 2; all else is a GET that waits for more.
 */
export function socketIoPoll(polls: Fill, sends: Fill): Wire {
  let path = "";
  return (answer) => {
    if (answer === undefined || answer.status === 0) return polls();
    if (path) return answer.body.split(SEPARATOR).includes("2") ? sends({ path, packet: "3" }) : polls({ path });
    path = `/socket.io/?EIO=4&transport=polling&sid=${JSON.parse(answer.body.slice(1)).sid}`;
    return sends({ path, packet: "40" });
  };
}

/** [Engine.IO 4] Between the packets of one answer. */
const SEPARATOR = "\x1e";
