/**
 * The answer of the doctor's echo: which parts of the request arrived. It contains nobody's
 * secrets.
 */
export type DoctorEcho = {
  chattera: 1;
  n?: string;
  /** Differs in every answer: the same stamp twice means that a cache answered. */
  stamp: string;
  /**
   * When the request arrived, by the server's clock in milliseconds. Shows which requests were open
   * at the same time.
   */
  at: number;
  /** Did the parameter `q`, which is sent in the query only, arrive? */
  query: boolean;
  /** Characters in the body's field `pad`. */
  pad: number;
  /** Which of DOCTOR_HEADERS arrived as they were sent. */
  headers: { [name: string]: boolean };
  /** Did the cookie that `;set=1` sets come back? */
  cookie: boolean;
  /** Did the request arrive with an Origin? */
  origin: boolean;
  /** The site's name, and whether it is reached by TLS, as the server sees them. */
  host: string;
  secure: boolean;
  /**
   * The HTTP version that reached the server, and the number of proxies in Via and X-Forwarded-For.
   */
  http: string;
  via: number;
  forwarded: number;
};

/**
 * Headers that chattera's clients send or could send, with values that no browser sends on its own.
 */
export const DOCTOR_HEADERS = {
  Accept: "text/event-stream, text/x-doctor",
  Authorization: "Doctor 1",
  "Cache-Control": "no-cache, x-doctor",
  "Last-Event-ID": "doctor.1-1",
};

/** The kinds of stream that the doctor's stream endpoint can imitate. */
export const DOCTOR_STREAMS = {
  "event-stream": "text/event-stream; charset=utf-8",
  "octet-stream": "application/octet-stream",
  html: "text/html; charset=utf-8",
};

/**
 * The longest duration of an answer: 70 s of silence, the longest that is tested, and some frames.
 */
export const DOCTOR_LONGEST_MS = 75_000;

/**
 * The steps of the doctor, in this order. The last five take up to 70 s and run at the same time.
 */
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

/** A step of the doctor. */
export type DoctorStep = (typeof DOCTOR_STEPS)[number];

/** A fault of the path between browser and site. */
export type DoctorFault =
  | "silent"
  | "foreign"
  | "refused"
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
