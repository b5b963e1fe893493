import { type Misbehaviour, ownAnswer, type ProxyAnswer, type ProxyRequest } from "./proxy.ts";

/** Answers some requests itself, for example every POST. */
export function refuse(status: number, isBad: (asked: ProxyRequest) => boolean): Misbehaviour {
  return async (asked, pass) => (isBad(asked) ? ownAnswer(status, "Blocked by policy", HEADERS[status]) : pass(asked));
}

/** Returns whether the method is unknown to a network that allows GET and POST only. */
export const isNeitherGetNorPost = ({ method }: ProxyRequest): boolean => method !== "GET" && method !== "POST";

/** Returns whether a request is a POST. */
export const isPost = ({ method }: ProxyRequest): boolean => method === "POST";

/** Returns whether a request has a JSON body. */
export const isJson = ({ headers }: ProxyRequest): boolean => String(headers["content-type"]).includes("json");

/** Answers every nth request itself, with each status in turn. */
export function refuseNowAndThen(every: number, ...statuses: number[]): Misbehaviour {
  let requests = 0;
  return async (asked, pass) => {
    requests += 1;
    const status = statuses[Math.floor(requests / every) % statuses.length] as number;
    return requests % every === 0 ? ownAnswer(status, "Try again", HEADERS[status]) : pass(asked);
  };
}

/** Refuses event streams. */
export function refuseStreams(status: number): Misbehaviour {
  return onStreams((answer) => {
    answer.body.destroy();
    return ownAnswer(status, "This type is not allowed");
  });
}

/** Relabels event streams as pages. */
export const callStreamsPages: Misbehaviour = onStreams((answer) => ({
  ...answer,
  headers: { ...answer.headers, "content-type": "text/html; charset=utf-8" },
}));

function onStreams(change: (answer: ProxyAnswer) => ProxyAnswer): Misbehaviour {
  return async (asked, pass) => {
    const answer = await pass(asked);
    return String(answer.headers["content-type"]).startsWith("text/event-stream") ? change(answer) : answer;
  };
}

/** [RFC 9110 15.5.6, 11.7.1] Headers that a status requires. */
const HEADERS: { [status: number]: ProxyAnswer["headers"] } = {
  405: { allow: "GET" },
  407: { "proxy-authenticate": 'Basic realm="office"' },
};

/** Answers every request with a login page and 200. */
export const showLoginPage: Misbehaviour = async () => ownAnswer(200, "Welcome to our Wi-Fi: log in");
