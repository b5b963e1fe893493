import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { clientId, openSite, type TestSite } from "../support/app.ts";
import { type VisitAnswer, visit } from "../support/visit.ts";

let site: TestSite;
let port: number;
let own: string;

beforeAll(async () => {
  site = await openSite();
  port = Number(new URL(site.nodes[0]?.url as string).port);
  own = `http://127.0.0.1:${port}`;
});

afterAll(() => site.close());

type Headers = { [name: string]: string };

/** The headers that a generation of browsers sends with a POST. `OWN` is the site's origin. */
type Generation = {
  name: string;
  agent: string;
  /**
   * From a page of the site, by a form or by script. The second and later ones: something on the
   * way strips headers.
   */
  own: Headers[];
  /** From a page of another site that wants to be unknown, if the browser lets it. */
  foreign: Headers[];
};

const REFERER = { referer: "OWN/rooms/lobby" };
const EVIL = "http://evil.example";
const EVIL_REFERER = { referer: `${EVIL}/page` };
const NOTHING: Headers = {};

// Sources: [Fetch] "append a request Origin header" and "serialize a request origin" (`null` under
// `no-referrer`); [FM] Fetch Metadata 2.3; the release notes of the versions named. Chromium 64, 72
// and today's run for real in test/browsers and test/journeys; Lynx, w3m and Links in
// test/browsers. The others are from those sources. On 954e261, `Origin: null` was refused at the
// first form (403), and that is what the browsers sent because the pages forbade the Referer. A
// page of another site that sent no Origin got a session cookie set.
const GENERATIONS: Generation[] = [
  {
    // No Origin with forms and requests to the same site. The Referer is missing on the way from
    // https to http.
    name: "Internet Explorer 6 to 8",
    agent: "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1)",
    own: [REFERER, NOTHING],
    foreign: [EVIL_REFERER, NOTHING],
  },
  {
    // As before, but XMLHttpRequest and XDomainRequest name the Origin to another site.
    name: "Internet Explorer 9 to 11",
    agent: "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    own: [REFERER, NOTHING],
    foreign: [EVIL_REFERER, { origin: EVIL }, { origin: "null" }, NOTHING],
  },
  {
    // [Firefox 70] is the first to send Origin with a form's POST. A page can forbid the Referer
    // since 36.
    name: "Firefox before 70",
    agent: "Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0",
    own: [REFERER, NOTHING],
    foreign: [EVIL_REFERER, { origin: EVIL }, NOTHING],
  },
  {
    name: "Firefox 70 to 89",
    agent: "Mozilla/5.0 (X11; Linux x86_64; rv:78.0) Gecko/20100101 Firefox/78.0",
    own: [{ origin: "OWN", ...REFERER }, { origin: "null" }, { origin: "null", ...REFERER }],
    foreign: [{ origin: EVIL, ...EVIL_REFERER }, { origin: "null" }, { origin: "null", ...EVIL_REFERER }],
  },
  {
    // [Safari 16.4] is the first to send Sec-Fetch-Site.
    name: "Safari before 16.4",
    agent:
      "Mozilla/5.0 (iPhone; CPU iPhone OS 15_8 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.6 Mobile/15E148 Safari/604.1",
    own: [{ origin: "OWN", ...REFERER }, { origin: "OWN" }, { origin: "null" }],
    foreign: [{ origin: EVIL, ...EVIL_REFERER }, { origin: "null" }],
  },
  {
    // [Chromium 76] is the first to send Sec-Fetch-Site.
    name: "Chromium 51 to 75",
    agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3264.0 Safari/537.36",
    own: [{ origin: "OWN", ...REFERER }, { origin: "null" }, { origin: "null", ...REFERER }],
    foreign: [{ origin: EVIL, ...EVIL_REFERER }, { origin: "null" }, { origin: "null", ...EVIL_REFERER }],
  },
  {
    name: "Chromium from 76, Firefox from 90 and Safari from 16.4, over TLS",
    agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    own: [
      { "sec-fetch-site": "same-origin", origin: "OWN", ...REFERER },
      { "sec-fetch-site": "same-origin", origin: "null" },
      { "sec-fetch-site": "same-origin" },
    ],
    foreign: [
      { "sec-fetch-site": "cross-site", origin: EVIL, ...EVIL_REFERER },
      { "sec-fetch-site": "cross-site", origin: "null" },
      { "sec-fetch-site": "same-site", origin: "http://127.0.0.1:1" },
      { "sec-fetch-site": "cross-site" },
    ],
  },
  {
    // [FM] Sec-Fetch-Site is sent to trustworthy addresses only: https, and this machine.
    name: "the same over plain HTTP",
    agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    own: [{ origin: "OWN", ...REFERER }, { origin: "null" }],
    foreign: [{ origin: EVIL, ...EVIL_REFERER }, { origin: "null" }, { origin: "http://127.0.0.1:1" }],
  },
  {
    // [nginx] proxy_pass sends its own Host by default, so the browser seems to come from another
    // site.
    name: "any without Sec-Fetch-Site, at a proxy that does not pass the site's name on",
    agent: "Mozilla/5.0 (X11; Linux x86_64; rv:78.0) Gecko/20100101 Firefox/78.0",
    own: [{ origin: "https://chat.example", referer: "https://chat.example/" }, { referer: "https://chat.example/" }],
    foreign: [],
  },
  {
    name: "w3m, Lynx and Links",
    agent: "w3m/0.5.3+git20230121",
    own: [REFERER, NOTHING],
    foreign: [EVIL_REFERER],
  },
  { name: "curl, with the cookies and the form of a page", agent: "curl/7.88.1", own: [NOTHING], foreign: [] },
];

describe.each(GENERATIONS)("$name", (generation) => {
  const cases = (list: Headers[]) => list.map((headers) => [JSON.stringify(headers), headers] as const);

  test.each(cases(generation.own))("enters, speaks and leaves by the site's forms, sending %s", async (_, headers) => {
    const person = browser(generation, headers);
    await person.open("/rooms/lobby");
    const nickname = newName();
    expect(await person.form("/rooms/lobby", { nickname })).toBe(303);
    const page = await person.open("/rooms/lobby");
    expect(page).toContain('id="say"');
    const text = `a message of ${nickname}`;
    expect(await person.form("/rooms/lobby", { id: clientId(), text })).toBe(303);
    expect(await texts()).toContain(text);
    await person.open("/rooms/lobby");
    expect(await person.form("/rooms/lobby", { leave: "1" })).toBe(303);
    expect(await people()).not.toContain(nickname);
    await person.open("/");
    expect(await person.form("/", { nickname, room: "lobby" })).toBe(303);
    expect(await people()).toContain(nickname);
  });

  test.each(cases(generation.own))("does the same by the site's script, sending %s", async (_, headers) => {
    const person = browser(generation, headers);
    await person.open("/rooms/lobby");
    const nickname = newName();
    const session = await person.json("/api/session", { nickname });
    expect(session.status).toBe(201);
    const byToken = { token: (JSON.parse(session.text) as { token: string }).token, form_token: undefined };
    const messages = "/api/rooms/lobby/messages";
    expect((await person.json(messages, { ...byToken, id: clientId(), text: "by token" })).status).toBe(201);
    // A page that is loaded again has the cookie.
    await person.open("/rooms/lobby");
    expect((await person.json(messages, { id: clientId(), text: "by cookie", nickname })).status).toBe(201);
    expect((await person.json("/api/rooms/lobby/typing", {})).status).toBe(200);
    expect((await person.json("/api/rooms/lobby/leave", {})).status).toBe(200);
    expect((await person.json("/api/rooms/lobby/enter", {})).status).toBe(200);
    expect((await person.json("/api/session/end", {})).status).toBe(200);
    expect(await people()).not.toContain(nickname);
  });

  if (generation.foreign.length === 0) return;

  test.each(cases(generation.foreign))("does nothing for another site's page, sending %s", async (_, headers) => {
    const victim = browser(generation, {});
    await victim.open("/rooms/lobby");
    const nickname = newName();
    expect(await victim.enter(nickname)).toBe(303);
    const stranger = browser(generation, {});
    await stranger.open("/rooms/lobby");
    // The attacker has form tokens of its own: from a visitor's page and from a member's.
    const attacker = browser(generation, {});
    await attacker.open("/rooms/lobby");
    const tokens = [undefined, attacker.formToken()];
    expect(await attacker.enter(newName())).toBe(303);
    await attacker.open("/rooms/lobby");
    tokens.push(attacker.formToken());
    const before = await heads();
    for (const form_token of tokens)
      for (const person of [victim, stranger]) {
        const answers = await Promise.all(
          Object.entries({
            "/rooms/lobby?enter": { nickname: newName() },
            "/rooms/lobby?say": { id: clientId(), text: "forged" },
            "/rooms/lobby?leave": { leave: "1" },
            "/?enter": { nickname: newName(), room: "lobby" },
            "/api/session": { nickname: newName() },
            "/api/session/end": {},
            "/api/rooms/lobby/messages": { id: clientId(), text: "forged" },
            "/api/rooms/lobby/enter": {},
            "/api/rooms/lobby/leave": {},
          }).flatMap(([path, fields]) => {
            const form = { ...fields, ...(form_token !== undefined && { form_token }) };
            const send = (how: object) => person.send(path.split("?")[0] as string, headers, how);
            const asText = { json: form, headers: { "content-type": "text/plain" } };
            return [send({ form }), send(path.startsWith("/api/") ? asText : { form })].map(async (answer) => ({
              path,
              cookies: (await answer).headers["set-cookie"],
            }));
          }),
        );
        for (const answer of answers) expect(answer).toEqual({ path: answer.path, cookies: undefined });
      }
    expect(await heads()).toEqual(before);
    expect(await people()).toContain(nickname);
  });
});

describe.each(GENERATIONS.slice(0, 2))("$name, where only script elements pass", ({ agent }) => {
  const script = async (path: string, headers: Headers) =>
    await visit({ port }, path, { headers: { host: `127.0.0.1:${port}`, "user-agent": agent, ...filled(headers) } });

  test.each([REFERER, NOTHING])("enters, speaks and reads on the site's own pages, sending %j", async (headers) => {
    const session = await script(`/api/session;nickname=${encodeURIComponent(newName())};callback=f`, headers);
    const token = /"token":"([^"]+)"/.exec(session.text)?.[1];
    expect(token).toBeDefined();
    const id = clientId();
    const said = await script(`/api/rooms/lobby/say;id=${id};text=by%20script;token=${token};callback=f`, headers);
    expect(said.text).toMatch(/^\/\*\*\/f\(/);
    const heard = await script("/api/rooms/lobby/messages?limit=5&callback=f", headers);
    expect(heard.text).toContain(id);
    const poll = await script("/api/poll?room=lobby&wait=0&callback=f", headers);
    expect([poll.status, poll.text]).toEqual([200, expect.stringMatching(/^\/\*\*\/f\(/)]);
  });

  test("does none of that for a page of another site", async () => {
    for (const path of [
      "/api/session?nickname=Mallory",
      "/api/rooms/lobby/messages?limit=5",
      "/api/poll?room=lobby&wait=0",
    ])
      expect([path, (await script(`${path}&callback=f`, EVIL_REFERER)).status]).toEqual([path, 403]);
  });
});

let names = 0;

function newName(): string {
  names += 1;
  return `Person ${names}`;
}

/**
 * A browser of a generation with its cookies and the page that it shows. It sends `headers` with
 * each POST of that page.
 */
function browser({ agent }: Generation, headers: Headers) {
  const cookies = new Map<string, string>();
  let formToken: string | undefined;
  const person = {
    formToken: () => formToken,
    open: async (path: string) => {
      const { status, text } = keep(await visit({ port }, path, { headers: common() }));
      expect([path, status]).toEqual([path, 200]);
      formToken = /name="form_token" value="([^"]+)"/.exec(text)?.[1];
      expect(formToken).toBeDefined();
      return text;
    },
    /** Sends a form of the page and returns the status of the answer. */
    form: async (path: string, form: object) =>
      keep(await person.send(path, headers, { form: { ...form, form_token: formToken } })).status,
    enter: async (nickname: string) =>
      keep(
        await person.send("/rooms/lobby", { origin: "OWN", ...REFERER }, { form: { nickname, form_token: formToken } }),
      ).status,
    /**
     * Sends what the site's script sends: the token of its session or, where it has none, the form
     * token.
     */
    json: async (path: string, fields: object) =>
      keep(await person.send(path, headers, { json: { form_token: formToken, ...fields } })),
    /** Sends a POST with the cookies, whatever page caused it. */
    send: (path: string, from: Headers, how: { headers?: Headers; form?: object; json?: object }) =>
      visit({ port }, path, { ...how, headers: { ...common(), ...filled(from), ...how.headers } } as object),
  };
  return person;

  function common(): Headers {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    return { host: `127.0.0.1:${port}`, "user-agent": agent, ...(cookie !== "" && { cookie }) };
  }

  function keep(answer: VisitAnswer): VisitAnswer {
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  }
}

function filled(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace("OWN", own)]));
}

const ask = async (path: string) =>
  JSON.parse((await visit({ port }, path, { headers: { host: `127.0.0.1:${port}` } })).text);

async function texts(): Promise<string[]> {
  const { events } = (await ask("/api/rooms/lobby/messages?limit=200")) as { events: { text?: string }[] };
  return events.flatMap(({ text }) => text ?? []);
}

async function people(): Promise<string[]> {
  const { members } = (await ask("/api/rooms/lobby")) as { members: { nickname: string }[] };
  return members.map(({ nickname }) => nickname);
}

/** Returns the state that a stranger could have changed: the rooms' logs and their people. */
async function heads(): Promise<string> {
  const { rooms } = (await ask("/api/rooms")) as { rooms: object[] };
  const { cursor, members } = (await ask("/api/rooms/lobby")) as { cursor: string; members: object[] };
  return `${rooms.length} ${cursor} ${JSON.stringify(members)}`;
}
