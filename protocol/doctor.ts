/** What the doctor's echo says of the request it answers: what of it arrived, and nothing that is anybody's secret. */
export type DoctorEcho = {
  chattera: 1;
  n?: string;
  /** Another one in every answer: who gets the same twice was answered by a cache. */
  stamp: string;
  /** When the request arrived, by the server's clock in milliseconds: so that is seen which ones were there together. */
  at: number;
  /** Did the parameter `q`, which stands in the query only, arrive there? */
  query: boolean;
  /** Characters of the body's field `pad`. */
  pad: number;
  /** Which of the headers arrived as the doctor sends them, see DOCTOR_HEADERS. */
  headers: { [name: string]: boolean };
  /** Did the cookie that `;set=1` gave come back? */
  cookie: boolean;
  /** Did it arrive where the request comes from, in Origin? */
  origin: boolean;
  /** The site's name, and whether it is reached by TLS, as the server believes. */
  host: string;
  secure: boolean;
  /** The HTTP version that reached the server, and how many proxies left their trace in Via and X-Forwarded-For. */
  http: string;
  via: number;
  forwarded: number;
};

/** Headers that chattera's clients send or could send, with a value that no browser sends by itself. */
export const DOCTOR_HEADERS = {
  Accept: "text/event-stream, text/x-doctor",
  Authorization: "Doctor 1",
  "Cache-Control": "no-cache, x-doctor",
  "Last-Event-ID": "doctor.1-1",
};

/** The kinds of stream that the doctor's stream endpoint can pretend to be. */
export const DOCTOR_STREAMS = {
  "event-stream": "text/event-stream; charset=utf-8",
  "octet-stream": "application/octet-stream",
  html: "text/html; charset=utf-8",
};

/** No answer of the doctor's takes longer: 70 s of silence, the longest that is asked for, and some frames. */
export const DOCTOR_LONGEST_MS = 75_000;

/** What the doctor tries, in this order; the last five take up to 70 s and are tried beside one another. */
export const DOCTOR_STEPS = [
  "reach",
  "params",
  "headers",
  "cache",
  "post",
  "size",
  "connections",
  "eventStream",
  "octetStream",
  "postStream",
  "frame",
  "hold25",
  "idle20",
  "idle45",
  "idle70",
  "lifetime70",
] as const;

/** One of them. */
export type DoctorStep = (typeof DOCTOR_STEPS)[number];

/** What can be wrong with a path. */
export type DoctorFault =
  | "silent"
  | "foreign"
  | "held"
  | "held_event_stream"
  | "late"
  | "slow"
  | "compressed"
  | "cut"
  | "cut_poll"
  | "lifetime"
  | "unsteady"
  | "connections"
  | "cached"
  | "cached_query"
  | "query"
  | "path"
  | "post"
  | "post_json"
  | "post_size"
  | "url"
  | "headers"
  | "cookie"
  | "host"
  | "tls";
