/**
 * A reader of Socket.IO's long-polls: given each answer, its next request. [Engine.IO 4] A GET brings the session's id,
 * a POST of 40 joins the namespace, a POST of 3 answers the ping 2; all else is a GET that waits for more.
 */
export function socketIoPoll(): (answer: { head: string; body: string }) => string {
  let path = "";
  return ({ body }) => {
    if (path) return body.split(SEPARATOR).includes("2") ? post(path, "3") : get(path);
    path = `/socket.io/?EIO=4&transport=polling&sid=${JSON.parse(body.slice(1)).sid}`;
    return post(path, "40");
  };
}

/** [Engine.IO 4] Between the packets of one answer. */
const SEPARATOR = "\x1e";

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
}

function post(path: string, packet: string): string {
  const type = "Content-Type: text/plain;charset=UTF-8";
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${type}\r\nContent-Length: ${packet.length}\r\n\r\n${packet}`;
}
