import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { createRoom, openSpeaker } from "../../test/networks/rig/speaker.ts";
import { until } from "../../test/support/until.ts";
import { type Seat, type Seated, STREAMS, sitBeforePage, sitBehindClient } from "./people.ts";
import { openRecorder, type Recorded, type Recorder } from "./recorder.ts";
import type { ClientName, Templates } from "./templates.ts";

/** Which requests are kept, by what follows `member` or `watcher` in their names. */
const KINDS: { [name: string]: RegExp } = {
  stream: /^GET \S*\/api\/(events|stream)\b/,
  poll: /^GET \S*\/api\/poll\b(?!\S*;once=1)/,
  confirmation: /^GET \S*\/api\/here\b/,
  message: /^POST \S*\/messages\b/,
  typing: /^POST \S*\/typing\b/,
  ticket: /^POST \S*\/api\/session\/ticket\b/,
};

/** A confirmation comes 20 s after its stream was opened. */
const PATIENCE_MS = 40_000;

const CLIENT = fileURLToPath(new URL("../../client/index.ts", import.meta.url));

/**
 * Has both real clients read and write at the site, by a stream and by polls, as a member and as a
 * watcher, and returns the requests that they repeat. Takes as long as the first confirmation of a
 * stream, 20 s.
 */
export async function recordClients(siteUrl: string, browser: Browser): Promise<{ [name in ClientName]: Templates }> {
  const room = "recorded";
  await createRoom(siteUrl, room);
  const page = (seat: Seat) => sitBeforePage(browser, seat);
  const npm = (seat: Seat) => sitBehindClient(CLIENT, seat);
  const speaker = await openSpeaker(siteUrl, room, "Speaker");
  let said = 0;
  // A client polls again and confirms when something arrives.
  const talking = setInterval(() => void speaker.say(`message ${said++}`), 400);
  try {
    const [ofPage, ofClient] = await Promise.all([
      recordAll({ siteUrl, room, name: "page", sit: page, ofMembers: ["message", "typing"] }),
      recordAll({ siteUrl, room, name: "npm", sit: npm, ofMembers: ["message", "ticket"] }),
    ]);
    return { page: ofPage, npm: ofClient };
  } finally {
    clearInterval(talking);
    speaker.close();
  }
}

type Recording = {
  siteUrl: string;
  room: string;
  name: ClientName;
  sit: (seat: Seat) => Promise<Seated>;
  /** Requests that members send as well. */
  ofMembers: string[];
};

/** A seat, the person in it, and what is recorded of that person. */
type Taken = { name: string; isPolling: boolean; kinds: string[]; seated: Seated; recorder: Recorder };

async function recordAll(recording: Recording): Promise<Templates> {
  const seats = [
    { name: "member", isPolling: false, kinds: ["stream", "confirmation"] },
    { name: "member", isPolling: true, kinds: ["poll", ...recording.ofMembers] },
    { name: "watcher", isPolling: false, kinds: ["stream", "confirmation"] },
    { name: "watcher", isPolling: true, kinds: ["poll"] },
  ];
  const taken: Taken[] = [];
  try {
    // On a busy machine, pages that start together take the rung below.
    for (const seat of seats) taken.push(await take(recording, { ...seat, number: taken.length }));
    const recorded = await Promise.all(taken.map((seat) => record(seat, recording.room)));
    return Object.fromEntries(recorded.flat());
  } finally {
    for (const { seated, recorder } of taken) {
      await seated.close();
      recorder.close();
    }
  }
}

async function take(
  { siteUrl, room, name: client, sit }: Recording,
  { number, ...seat }: Omit<Taken, "seated" | "recorder"> & { number: number },
): Promise<Taken> {
  const { name, isPolling } = seat;
  const recorder = await openRecorder(siteUrl, isPolling ? STREAMS : undefined);
  try {
    const nickname = name === "member" ? `${client} ${number}` : undefined;
    return { ...seat, recorder, seated: await sit({ url: recorder.url, room, nickname, isPolling }) };
  } catch (error) {
    recorder.close();
    throw error;
  }
}

/** Returns the name and the last request of each kind. */
async function record(
  { name, isPolling, kinds, seated, recorder: { requests } }: Taken,
  room: string,
): Promise<[string, string][]> {
  const from = requests.length;
  if (name === "member") await seated.say("a message of one's own");
  const found = () => kinds.map((kind) => lastOf(requests, KINDS[kind] as RegExp, room));
  // The first polls of a page and of a session differ from those at rest.
  await until("the client has polled", () => !isPolling || requests.length >= from + 6, PATIENCE_MS);
  await until(`the ${name} has sent all of it`, () => found().every((text) => text !== undefined), PATIENCE_MS);
  const texts = found() as string[];
  return kinds.map((kind, k) => [`${name} ${kind}`, texts[k] as string]);
}

function lastOf(requests: Recorded[], kind: RegExp, room: string): string | undefined {
  const last = requests.filter(({ request }) => kind.test(request)).at(-1);
  return last && templateOf(Buffer.from(last.request, "latin1").toString(), room);
}

/**
 * The parts of a request that differ from person to person, from request to request, and between
 * Chromiums.
 */
const VARIABLE: [RegExp, string][] = [
  [/(\/rooms\/)@(?=[;/ \r])/g, "$1{{room}}"],
  [/(;room=)@(?=[; ])/g, "$1{{room}}"],
  [/(;after=)[\w.~-]+/g, "$1{{cursor}}"],
  [/(;n=)[\w.~-]+/g, "$1{{nonce}}"],
  [/(;stream=)[\w.~-]+/g, "$1{{stream}}"],
  [/(;ping=)\d+/g, "$1{{ping}}"],
  // Asked for where frames come late, as they do on a busy machine.
  [/;late=1(?=;)/g, ""],
  [/(;wait=)\d+/g, "$1{{wait}}"],
  [/(;ticket=)[\w.-]+/g, "$1{{ticket}}"],
  [/(\b127\.0\.0\.1:)\d+/g, "{{host}}"],
  [/( chattera-visit-)\d+=[\w-]+/g, "$1{{port}}={{visit}}"],
  [/( chattera-)\d+=[\w.-]+/g, "$1{{port}}={{token}}"],
  [/^(content-length: )\d+/gim, "$1{{length}}"],
  [/(\r\n\r\ntoken=)[\w.-]+/g, "$1{{token}}"],
  [/("id":)"[^"]*"/g, '$1"{{id}}"'],
  [/("text":)"[^"]*"/g, '$1"{{text}}"'],
  [/("n":)"[^"]*"/g, '$1"{{nonce}}"'],
  [/("token":)"[^"]*"/g, '$1"{{token}}"'],
  [/("form_token":)"[^"]*"/g, '$1"{{formToken}}"'],
  [/("nickname":)"[^"]*"/g, '$1"{{nickname}}"'],
  [/\b(?:Headless)?(Chrome\/)\d+/g, "$1{{chromium}}"],
  [/^(sec-ch-ua: ).*/gm, "$1{{brands}}"],
  [/^(Accept-Language: ).*/gm, "$1{{languages}}"],
];

/** Puts placeholders for what is not the client's own spelling. */
function templateOf(request: string, room: string): string {
  const slug = new RegExp(`(?<=[/=])${room}(?=[;/ \\r])`, "g");
  return VARIABLE.reduce((text, [pattern, by]) => text.replace(pattern, by), request.replace(slug, "@"));
}
