import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { siteRoutes } from "../../server/app.ts";
import { openStream } from "../../server/testing.ts";
import { clientId, openSite, person, say, type TestPerson, type TestSite } from "../support/app.ts";
import { visit } from "../support/visit.ts";

const BASE = "/chat";
const LISTED = "https://friend.example";

let site: TestSite;
let port: number;
let victim: TestPerson;

beforeAll(async () => {
  // The grace is long, so that a member that waits on a busy machine changes nothing by leaving.
  site = await openSite({
    graceSeconds: 3600,
    basePath: BASE,
    origins: [`${LISTED}:443`, "HTTP://Other.example:8080"],
  });
  port = Number(new URL(site.nodes[0]?.url as string).port);
  victim = await person(`${site.nodes[0]?.url}${BASE}`, "Victim");
  await say(`${site.nodes[0]?.url}`, victim, "premise");
});

afterAll(() => site.close());

type Headers = { [name: string]: string };

const own = () => `http://127.0.0.1:${port}`;

type Content = { headers: Headers; form?: { [name: string]: string } | undefined };

const ask = (method: "GET" | "POST", path: string, { headers, form }: Content = { headers: {} }) =>
  visit({ port }, path, { method, headers: { host: `127.0.0.1:${port}`, ...headers }, ...(form && { form }) });

/** How browsers of each generation say that another site's page made them send a request. */
const CROSS_SITE: [string, Headers][] = [
  ["Sec-Fetch-Site: cross-site", { "sec-fetch-site": "cross-site" }],
  ["Sec-Fetch-Site: same-site, of a sister domain or another port", { "sec-fetch-site": "same-site" }],
  ["Sec-Fetch-Site and our own Origin, which cannot be", { "sec-fetch-site": "cross-site", origin: "OWN" }],
  ["Sec-Fetch-Site and Origin", { "sec-fetch-site": "cross-site", origin: "http://evil.example" }],
  ["Origin", { origin: "http://evil.example" }],
  ["Origin: null, of a sandboxed frame", { origin: "null" }],
  ["Origin: null and Referer", { origin: "null", referer: "http://evil.example/x" }],
  ["another port's Origin", { origin: "http://127.0.0.1:1" }],
  ["our name with more behind it", { origin: "http://127.0.0.1.evil.example" }],
  ["an Origin that is none", { origin: "evil" }],
  ["Referer", { referer: "http://evil.example/x" }],
];

/** The right spelling, and others of the same resource. */
function spellings(path: string): [string, string][] {
  const at = path.lastIndexOf("/");
  const [before, last] = [path.slice(0, at), path.slice(at + 1)];
  const escaped = (text: string) => `%${text.charCodeAt(0).toString(16)}${text.slice(1)}`;
  return [
    ["as it is", path],
    ["in capitals", path.toUpperCase()],
    ["with a capital", `${before}/${last.slice(0, 1).toUpperCase()}${last.slice(1)}`],
    ["with a slash behind it", `${path}/`],
    ["with two slashes behind it", `${path}//`],
    ["with a slash and a parameter behind it", `${path}/;x=1`],
    ["with a parameter behind it", `${path};x=1`],
    ["with two slashes before it", `/${path}`],
    ["with two slashes in it", `${before}//${last}`],
    ["with an escaped letter", last === "" ? `${path}%2f` : `${before}/${escaped(last)}`],
    ["with an escaped slash", `${before}%2f${last}`],
    ["with a step on the spot", `${before}/./${last}`],
    ["with a step up", `${before}/x/../${last}`],
    ["with an escaped step up", `${before}/x/%2e%2e/${last}`],
    ["with a parameter in the middle", `${before};x=1/${last}`],
    ["with a backslash", `${before}\\${last}`],
  ];
}

const FORM: { [name: string]: string } = { nickname: "Mallory", text: "forged", room: "lobby", slug: "forged" };

/** Every route with a room in it, with and without the base path. */
function routes() {
  const { app } = site.nodes[0] as TestSite["nodes"][0];
  return siteRoutes(app.site).flatMap(({ method, path, guards }) =>
    [path].flat().flatMap((pattern) => {
      const real = pattern
        .replace("{/after=:after}", "")
        .replace(":room", "lobby")
        .replace(":seq", "1")
        .replace(":member", victim.id)
        .replace(":network", "2bcdefgh")
        .replace(":refresh", "10")
        .replace(":file", "x.js");
      return [real, BASE + real].map((where) => ({ method, path: where, guards }));
    }),
  );
}

async function heads(): Promise<string> {
  const [rooms, lobby] = await Promise.all([
    ask("GET", "/api/rooms"),
    ask("GET", "/api/rooms/lobby/messages?limit=200"),
  ]);
  return `${JSON.parse(rooms.text).rooms.length} ${JSON.parse(lobby.text).events.length}`;
}

const filled = (headers: Headers) => (headers.origin === "OWN" ? { ...headers, origin: own() } : headers);

describe("a page of another site", () => {
  test.each(CROSS_SITE)(
    "that shows by %s can change nothing, by any spelling of any route",
    async (_, headers) => {
      const before = await heads();
      for (const { method, path, guards } of routes()) {
        if (!guards.mutates) continue;
        for (const [spelling, spelled] of spellings(path)) {
          const query = method === "GET" ? `?id=${clientId()}&text=forged&nickname=Mallory` : "";
          const proof = { cookie: victim.cookie, ...filled(headers) };
          const form = method === "POST" ? { ...FORM, id: clientId() } : undefined;
          const answer = await ask(method, spelled + query, { headers: proof, form });
          const got = [method, spelled, spelling, answer.status, answer.headers["set-cookie"]];
          // A parameter ends the path, so a path with one in the middle names another resource,
          // which a GET only reads.
          if (spelling !== "with a parameter in the middle") expect([400, 403, 404, 405, 308]).toContain(answer.status);
          expect([...got.slice(0, 3), got[4]]).toEqual([...got.slice(0, 3), undefined]);
          if (spelled === path) expect(got).toEqual([...got.slice(0, 3), 403, undefined]);
        }
      }
      expect(await heads()).toBe(before);
      // Some hundred requests, on a machine that runs other tests.
    },
    60_000,
  );

  test.each(CROSS_SITE)("that shows by %s gets no script", async (_, headers) => {
    for (const { path, guards } of routes()) {
      if (!guards.jsonp) continue;
      for (const status of ["", "&status=200"]) {
        const { status: answered, headers: given } = await ask("GET", `${path}?callback=f&wait=0${status}`, {
          headers: filled(headers),
        });
        expect([path, answered]).toEqual([path, 403]);
        expect(given["content-type"]).toContain("json");
        expect(given["access-control-allow-origin"]).toBeUndefined();
      }
    }
  });

  test("over plain HTTP, where browsers send no Sec-Fetch-Site, gets no script by hiding its Referer", async () => {
    const agent =
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
    const script = "/api/rooms/lobby/messages?callback=f";
    expect((await ask("GET", script, { headers: { "user-agent": agent } })).status).toBe(403);
    expect(
      (await ask("GET", script, { headers: { "user-agent": agent, referer: `${own()}/rooms/lobby` } })).status,
    ).toBe(200);
    const explorer = "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)";
    expect((await ask("GET", script, { headers: { "user-agent": explorer } })).status).toBe(200);
    const last = "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko";
    expect((await ask("GET", script, { headers: { "user-agent": last } })).status).toBe(200);
  });

  test("does not get the cookie renewed, set or taken away", async () => {
    const token = victim.token;
    for (const body of [{ token, nickname: "Victim" }, { nickname: "Victim" }])
      for (const headers of [
        { referer: "http://evil.example/x" },
        { origin: "http://evil.example" },
        {},
      ] as Headers[]) {
        const { headers: given, status } = await ask("POST", "/api/session", { headers, form: body });
        const isOwn = Object.keys(headers).length === 0;
        expect([status, given["set-cookie"] !== undefined]).toEqual([isOwn ? 201 : 403, isOwn && !("token" in body)]);
      }
  });

  test("that is listed reads and speaks with a token, and never with the cookie", async () => {
    for (const origin of [LISTED, "http://other.example:8080"]) {
      const cross = { origin, "sec-fetch-site": "cross-site" };
      const preflight = await visit({ port }, "/chat/api/rooms/lobby/messages", {
        method: "OPTIONS" as "GET",
        headers: {
          ...cross,
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization",
        },
      });
      expect([preflight.status, preflight.headers["access-control-allow-origin"]]).toEqual([204, origin]);
      expect(preflight.headers["access-control-allow-headers"]).toContain("Authorization");
      const said = await ask("POST", "/api/rooms/lobby/messages", {
        headers: cross,
        form: {
          ...FORM,
          nickname: "Victim",
          id: clientId(),
          token: victim.token,
        },
      });
      expect([said.status, said.headers["access-control-allow-origin"]]).toEqual([201, origin]);
      const byCookie = { ...cross, cookie: victim.cookie };
      const form = { id: clientId(), text: "by cookie" };
      expect((await ask("POST", "/api/rooms/lobby/messages", { headers: byCookie, form })).status).toBe(401);
      const read = await ask("GET", "/api/poll?room=lobby&wait=0", { headers: byCookie });
      expect(read.headers["access-control-allow-origin"]).toBe(origin);
      expect(read.headers["access-control-allow-credentials"]).toBeUndefined();
      const script = await ask("GET", "/api/rooms/lobby?callback=f", {
        headers: { referer: `${origin}/page`, "sec-fetch-site": "cross-site" },
      });
      expect([script.status, script.headers["cross-origin-resource-policy"]]).toEqual([200, "cross-origin"]);
      const page = await ask("GET", "/rooms/lobby");
      expect(page.headers["content-security-policy"]).toContain(
        `frame-ancestors 'self' ${LISTED} http://other.example:8080`,
      );
      expect(page.headers["x-frame-options"]).toBeUndefined();
    }
  });

  test("that is not listed gets no preflight's consent", async () => {
    for (const origin of ["http://friend.example", "https://friend.example:444", "https://evil.example", "null"]) {
      const { headers } = await visit({ port }, "/api/rooms/lobby/messages", {
        method: "OPTIONS" as "GET",
        headers: { origin, "access-control-request-method": "POST" },
      });
      expect([origin, headers["access-control-allow-origin"]]).toEqual([origin, undefined]);
    }
  });
});

describe("a path", () => {
  test("has one spelling, and another one of a page leads to it", async () => {
    for (const { method, path, guards } of routes()) {
      for (const [spelling, spelled] of spellings(path)) {
        if (spelled === path || spelling.startsWith("with a parameter") || !spelled.startsWith("/")) continue;
        // The API accepts a room's name in any case, names of networks have both, and the id of a
        // member may be anybody's.
        if (/\/(api\/rooms\/lobby|2bcdefgh|people\/[\w-]{36})$/.test(path) && /capital|letter/.test(spelling)) continue;
        // It names a room with a slash in its name, and a form for a room needs its token.
        if (method === "POST" && spelled.endsWith("/rooms/lobby%2frename")) continue;
        const { status, headers } = await ask(method, spelled, {
          headers: { accept: "text/html" },
          form: method === "POST" ? {} : undefined,
        });
        const got = [method, spelled, status, headers.location];
        if (status === 308) expect(got).toEqual([method, spelled, 308, expect.stringMatching(/^\/[^/\\]*/)]);
        // Then the rest is a part of the room's name, and no such room is posted to.
        else if (method === "POST" && spelled.includes("%2f")) expect([400, 403, 404, 405]).toContain(status);
        else if (path !== "/" && path !== `${BASE}/`)
          expect([...got.slice(0, 2), status === 404 || status === 405]).toEqual([...got.slice(0, 2), true]);
        if (status === 308) expect([method, guards.api]).toEqual(["GET", undefined]);
      }
    }
  });

  test.each([
    ["/ROOMS/lobby", "/chat/rooms/lobby"],
    ["/chat/Rooms/Lobby/", "/chat/rooms/lobby"],
    ["/chat//rooms//lobby/?language=ja", "/chat/rooms/lobby?language=ja"],
    ["/rooms/ＬＯＢＢＹ/Live;only=log".normalize(), "/chat/rooms/lobby/live;only=log"],
    ["//", "/chat/"],
    ["//evil.example/rooms/lobby", undefined],
    ["/chat//evil.example", undefined],
    ["/DOCTOR/", "/chat/doctor"],
    ["/rooms/%6Cobby", "/chat/rooms/lobby"],
    ["/api/rooms/lobby/", undefined],
    ["/API/rooms", undefined],
    ["/healthz/", undefined],
    ["/rooms", undefined],
    ["/rooms/", undefined],
  ])("%s leads to %s", async (path, to) => {
    const { status, headers } = await ask("GET", encodeURI(path).replaceAll("%25", "%"));
    expect([status, headers.location]).toEqual([to ? 308 : 404, to]);
  });

  test("names a room in any spelling of its name, and the answer says the right one", async () => {
    const rooms = { LOBBY: "lobby", ｌobby: "lobby" };
    const query = Object.keys(rooms)
      .map((name) => `room=${encodeURIComponent(name)}`)
      .join("&");
    const poll = await ask("GET", `/api/poll?${query}&room=lobby&wait=0&after=`);
    expect(JSON.parse(poll.text).rooms).toEqual(rooms);
    expect(JSON.parse((await ask("GET", "/api/rooms/Lobby")).text).rooms).toEqual({ Lobby: "lobby" });
    expect(JSON.parse((await ask("GET", "/api/rooms/lobby")).text).rooms).toBeUndefined();
  });

  test("delivers each event once to a reader that names a room twice", async () => {
    const url = `${own()}${BASE}`;
    const stream = await openStream(url, { room: ["lobby", "LOBBY"] });
    expect(await stream.signal("hello")).toMatchObject({ rooms: { LOBBY: "lobby" } });
    for (const text of ["first", "second"]) await say(own(), victim, text);
    expect((await stream.events(2)).map(({ text }) => text)).toEqual(["first", "second"]);
    await stream.close();
  });

  test("ends with its parameters: anything that another program could read as more of it is refused", async () => {
    for (const path of ["/api/rooms/lobby;a=1/say", "/api/rooms/lobby;a=1/../say", "/rooms/lobby;only=log/live"])
      expect([path, (await ask("GET", path)).status]).toEqual([path, 400]);
  });

  test("takes escapes in either case", async () => {
    const room = encodeURIComponent("日本");
    await ask("POST", "/api/rooms", { headers: { origin: own() }, form: { slug: "日本" } });
    for (const name of [room, room.toLowerCase()]) {
      expect((await ask("GET", `/rooms/${name}`)).status).toBe(200);
      expect((await ask("GET", `/api/rooms/${name}`)).status).toBe(200);
    }
  });
});
