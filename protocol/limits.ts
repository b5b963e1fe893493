/**
 * Version of the wire contract, sent in `hello`. Grows when an old client could misread a new
 * server.
 */
export const PROTOCOL_VERSION = 2;

/**
 * Characters of a nickname, as a person counts them: the most that fit on one line of a phone's
 * list of people.
 */
export const NICKNAME_LENGTH = 20;
/** The most code points of a nickname, because one emoji can have ten. */
export const NICKNAME_CODE_POINTS = 3 * NICKNAME_LENGTH;

/**
 * Characters of the secret behind a nickname. Short secrets prove nothing, because they can be
 * guessed by trying.
 */
export const SECRET_LENGTH = 8;
/** The most characters of a secret. */
export const SECRET_LENGTH_MAX = 128;

/** Characters (code points) of one message. */
export const TEXT_LENGTH = 2000;

/** Characters of a room's slug. */
export const SLUG_LENGTH = 64;
/** Characters (code points) of a room's title. */
export const TITLE_LENGTH = 80;

/** Characters (code points) of a room's description. */
export const DESCRIPTION_LENGTH = 300;
/** Characters (code points) of a room's announcement. */
export const PINNED_LENGTH = 500;

/** A client id: the sender's unique key for a message. */
export const CLIENT_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** A nonce: makes a request unique and is returned in its answer. */
export const NONCE = /^[\w.~-]{1,64}$/;

/**
 * The colors offered for a nickname. Each is readable (4.5 : 1) on white and, lightened by the
 * style sheet, on black.
 */
export const COLORS = ["#b3261e", "#9a4d00", "#6b6000", "#2f6b1e", "#00696d", "#0b57d0", "#6442d6", "#a1267a"];

/**
 * Delay of the second `ping` of a stream, so that a client can distinguish a network that holds
 * data back from a quiet room.
 */
export const FIRST_PING_MS = 500;

/** WHATWG HTML 9.2.7 says "every 15 seconds or so"; several proxies cut at 30 s of silence. */
export const PING_MS = 15_000;

/**
 * A connection counts as a sign of life for this long after its client last sent something: the
 * request itself, or a confirmation of a stream. With the grace of 30 s and a presence round of 10
 * s, the member behind a half-open connection leaves within 85 s.
 */
export const SEEN_MS = 45_000;

/**
 * A client confirms its stream when something arrives by it and the last confirmation is older than
 * this. With pings every 15 s that is every 30 s, which leaves time for a second try.
 */
export const CONFIRM_MS = 20_000;

/**
 * The bytes after which a stream ends, for browsers that keep all of it in memory. 128 KiB is the
 * default of SockJS. One page of a backlog is half of that.
 */
export const STREAM_BYTES = 128 * 1024;
/** The range of that limit that a request may ask for. */
export const STREAM_BYTES_MIN = 16 * 1024;
export const STREAM_BYTES_MAX = 64 * 1024 * 1024;

/** How long a poll is held. RFC 6202 5.5 calls 30 s safe, and common proxies cut there. */
export const POLL_WAIT_SECONDS = 25;
/** The longest wait that a poll may ask for. */
export const POLL_WAIT_MAX_SECONDS = 55;

/** The longest wait for the list of rooms. */
export const LOBBY_WAIT_SECONDS = 20;

/**
 * Rooms that one reader may follow at once: eight positions fit in a cursor of 128 bytes, see
 * cursor.ts.
 */
export const ROOMS_PER_READER = 8;

/** Logs that one reader follows: its rooms, and its inbox in each. */
export const LOGS_PER_READER = 2 * ROOMS_PER_READER;

/** The most whispers in one page of history. */
export const PAGE_WHISPERS = 200;

/** The most events in one poll answer, and the most messages in one page of history. */
export const PAGE_EVENTS = 200;
/** Messages in one page of history, unless the request asks for another number. */
export const HISTORY_MESSAGES = 50;

/**
 * Fields of a form, a query, a path or a JSON object, and values of one field. The largest request
 * of the site has 12 fields; a batch holds 50 messages.
 */
export const FIELDS_MAX = 50;

/** The most messages in one request. A client that waited out an outage has sent 50 at once. */
export const BATCH_MESSAGES = 50;

/** People that a room's list shows. A longer list is cut and says how many there are. */
export const PEOPLE_SHOWN = 200;

/**
 * People in one page of `GET /api/rooms/:room/members`, unless the request asks for another number.
 */
export const PEOPLE_PAGE = 100;

/** Characters (code points) of a search. */
export const SEARCH_LENGTH = 100;
/** The most words of a search. */
export const SEARCH_WORDS = 8;
/** Messages that a search returns, unless the request asks for another number. */
export const SEARCH_RESULTS = 20;
/** The most messages that a search may ask for. */
export const SEARCH_RESULTS_MAX = 50;
