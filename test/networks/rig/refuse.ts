import { type Answer, type Asked, type Misbehaviour, ownAnswer } from "./proxy.ts";

/** Answers what it does not like itself, e.g. every POST. */
export function refuse(status: number, isBad: (asked: Asked) => boolean): Misbehaviour {
  return async (asked, pass) => (isBad(asked) ? ownAnswer(status, "Blocked by policy", HEADERS[status]) : pass(asked));
}

/** Does not know these methods. */
export const isNeitherGetNorPost = ({ method }: Asked): boolean => method !== "GET" && method !== "POST";

export const isPost = ({ method }: Asked): boolean => method === "POST";

export const isJson = ({ headers }: Asked): boolean => String(headers["content-type"]).includes("json");

/** Answers every nth request itself, with one status after the other. */
export function refuseNowAndThen(every: number, ...statuses: number[]): Misbehaviour {
  let requests = 0;
  return async (asked, pass) => {
    requests += 1;
    const status = statuses[Math.floor(requests / every) % statuses.length] as number;
    return requests % every === 0 ? ownAnswer(status, "Try again", HEADERS[status]) : pass(asked);
  };
}

/** Does not let event streams in. */
export function refuseStreams(status: number): Misbehaviour {
  return onStreams((answer) => {
    answer.body.destroy();
    return ownAnswer(status, "This type is not allowed");
  });
}

/** Says that event streams are pages. */
export const callStreamsPages: Misbehaviour = onStreams((answer) => ({
  ...answer,
  headers: { ...answer.headers, "content-type": "text/html; charset=utf-8" },
}));

function onStreams(change: (answer: Answer) => Answer): Misbehaviour {
  return async (asked, pass) => {
    const answer = await pass(asked);
    return String(answer.headers["content-type"]).startsWith("text/event-stream") ? change(answer) : answer;
  };
}

/** [RFC 9110 15.5.6, 11.7.1] What must be told with a status. */
const HEADERS: { [status: number]: Answer["headers"] } = {
  405: { allow: "GET" },
  407: { "proxy-authenticate": 'Basic realm="office"' },
};

/** A login page, with 200, whatever was asked for. */
export const showLoginPage: Misbehaviour = async () => ownAnswer(200, "Welcome to our Wi-Fi: log in");
