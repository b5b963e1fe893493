import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "@jest/globals";
import request from "supertest";
import type { Diagnosis } from "../../client/doctor/diagnose.ts";
import { outcomesOf } from "../../client/doctor/outcome.ts";
import type { Report } from "../../client/doctor/report.ts";
import { REMEDIES } from "../../server/doctor/remedies.ts";
import { runDoctor } from "../../server/doctor/terminal.ts";
import { ASSETS } from "../../server/http/assets.ts";
import { cache } from "../networks/rig/cache.ts";
import { cutAfter } from "../networks/rig/cut.ts";
import { holdFirst, holdWhole, onePieceLate } from "../networks/rig/hold.ts";
import type { Running } from "../networks/rig/network.ts";
import { startNginx } from "../networks/rig/nginx.ts";
import { type Misbehaviour, openProxy, ownAnswer } from "../networks/rig/proxy.ts";
import { atMost } from "../networks/rig/queue.ts";
import {
  callStreamsPages,
  isJson,
  isPost,
  refuse,
  refuseNowAndThen,
  refuseStreams,
  showLoginPage,
} from "../networks/rig/refuse.ts";
import { strip, stripQuery } from "../networks/rig/strip.ts";
import { openNode, type TestOptions } from "../support/app.ts";
import { es3Faults } from "../support/es3.ts";
import { hasNginx } from "../support/nginx.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();

/** Returns the doctor's report about a path, and the codes of its faults. */
async function consult(at: string, isQuick = true): Promise<Report & { codes: string[] }> {
  let said = "";
  const out = (text: string) => {
    said += text;
  };
  const grade = await runDoctor(at, { isQuick, isJson: true, language: "en", out });
  const report: Report = JSON.parse(said);
  expect(report.diagnosis.grade).toBe(grade);
  return { ...report, codes: report.diagnosis.faults.map(({ code }) => code) };
}

const refuseAll = refuse(403, ({ path }) => path.includes(";"));
const longUrls = refuse(414, ({ path }) => path.length > 1500);
const largePosts = refuse(413, ({ body }) => body.length > 8_000);

/** A path's fault, the codes that the doctor finds, and the sentence for the visitor. */
const BAD_PATHS: [does: string, misbehaviours: Misbehaviour[], codes: string[], sentence: string][] = [
  ["holds whole answers", [holdWhole], ["held"], "poll"],
  ["holds the first 4 KB", [holdFirst(4096)], ["held"], "poll"],
  ["is one piece late", [onePieceLate], ["late"], "around"],
  ["refuses event streams", [refuseStreams(403)], ["held_event_stream"], "around"],
  ["calls event streams pages", [callStreamsPages], ["held_event_stream"], "around"],
  ["strips queries", [stripQuery], ["query"], "around"],
  ["refuses parameters in the path", [refuseAll], ["path"], "around"],
  ["strips headers", [strip("last-event-id", "authorization")], ["headers"], "around"],
  ["strips cookies", [strip("cookie", "set-cookie")], ["cookie"], "around"],
  ["refuses JSON", [refuse(403, isJson)], ["post_json"], "around"],
  ["refuses POST and holds answers", [refuse(405, isPost), holdWhole], ["held", "post"], "poll"],
  ["refuses what is long", [longUrls, largePosts], ["post_size", "url"], "around"],
  ["caches what it must not", [cache(30_000, ({ path }) => path)], ["cached"], "around"],
  ["lets two requests through at once", [atMost(2)], ["connections"], "around"],
  ["fails now and then", [refuseNowAndThen(4, 503)], ["unsteady"], "around"],
];

/**
 * Starts work before all tests and awaits it in one of them: a consultation mostly waits for
 * frames.
 */
function beforehand<T>(work: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T>;
  beforeAll(() => {
    begun = work();
    begun.catch(() => undefined);
  });
  return () => begun;
}

/** Works behind a network that is closed afterwards. */
async function through<T>(opening: Promise<Running>, work: (at: string) => Promise<T>): Promise<T> {
  const network = await opening;
  return work(network.url).finally(() => network.close());
}

describe("the doctor finds that a path", () => {
  for (const [does, misbehaviours, codes, sentence] of BAD_PATHS) {
    const consulted = beforehand(() => through(openProxy(site.url, ...misbehaviours), consult));
    test(does, async () => {
      const report = await consulted();
      expect({ codes: report.codes, sentence: report.diagnosis.sentence }).toEqual({ codes, sentence });
    }, 60_000);
  }

  const cut = beforehand(() => through(openProxy(site.url, cutAfter(4_000)), (at) => consult(at, false)));
  test("cuts silences, polls and streams, and after how many seconds", async () => {
    const { diagnosis, codes } = await cut();
    expect(codes).toEqual(["cut", "cut_poll", "lifetime"]);
    for (const { figure } of diagnosis.faults) expect([4, 5]).toContain(figure);
  }, 60_000);
});

describe("the doctor", () => {
  const clean = beforehand(async () => {
    const node = await openNode(site.databaseUrl, { basePath: "/chat" });
    return consult(`${node.url}/chat/`).finally(() => node.close());
  });
  test("finds no fault on a clean path, even under a base path", async () => {
    const { diagnosis, findings } = await clean();
    expect(diagnosis).toEqual({ sentence: "fine", lateSeconds: 0, grade: 0, faults: [] });
    expect(findings).toMatchObject({ pathParams: true, postBytes: 61_440, urlLength: 8000, atOnce: 7, origin: true });
  }, 60_000);

  const together = beforehand(async () => {
    const node = await openNode(site.databaseUrl, { limits: true });
    return Promise.all([consult(node.url), consult(node.url)]).finally(() => node.close());
  });
  test("finds no fault for two people of one network at the same time", async () => {
    for (const { diagnosis, findings } of await together()) {
      expect(diagnosis).toMatchObject({ sentence: "fine", faults: [] });
      expect(findings).toMatchObject({ atOnce: 7, stumbles: 0 });
    }
  }, 60_000);

  /** Refuses the first request and those that `isBusy` selects, as a busy site does. */
  const busyFor = (isBusy: (path: string) => boolean): Misbehaviour => {
    let questions = 0;
    return async (asked, pass) => {
      questions += 1;
      if (questions > 1 && !isBusy(asked.path)) return pass(asked);
      const json = '{"chattera":1,"type":"about:blank","title":"","status":429,"code":"too_many","detail":""}';
      return { status: 429, headers: { "retry-after": "1" }, body: Readable.from([json]) };
    };
  };
  const busy = beforehand(() =>
    through(
      openProxy(
        site.url,
        busyFor((path) => path.includes("/stream")),
      ),
      consult,
    ),
  );
  test("waits for a busy site once, and then reports the step as untested", async () => {
    const { diagnosis, findings } = await busy();
    expect(diagnosis).toEqual({ sentence: "busy", lateSeconds: 0, grade: 1, faults: [] });
    expect(findings).toMatchObject({ reach: "ok", atOnce: 7, stumbles: 0 });
    expect(findings.untested).toEqual({ eventStream: true, octetStream: true, postStream: true });
    expect(outcomesOf("eventStream", findings, diagnosis)).toEqual([{ code: "busy", figure: 0 }]);
  }, 60_000);

  const overloaded = beforehand(() =>
    through(
      openProxy(
        site.url,
        busyFor(() => true),
      ),
      consult,
    ),
  );
  test("reports a site that refuses the first request as busy, and blames no network", async () => {
    const { diagnosis, findings } = await overloaded();
    expect([diagnosis.sentence, diagnosis.faults, findings.untested]).toEqual(["busy", [], { reach: true }]);
  }, 60_000);

  test("does not report a refused stream as held back if another one gets through", () => {
    const refused = { outcome: "refused", status: 405, firstMs: 0, encoding: "" } as const;
    const diagnosis: Diagnosis = { sentence: "fine", lateSeconds: 0, grade: 0, faults: [] };
    expect(outcomesOf("postStream", { postStream: refused }, diagnosis)).toEqual([{ code: "blocked", figure: 0 }]);
    const held = { ...refused, outcome: "held" } as const;
    expect(outcomesOf("postStream", { postStream: held }, diagnosis)).toEqual([{ code: "held", figure: 0 }]);
  });

  test("has a page in the chosen language", async () => {
    const { headers } = await request(site.url).get("/doctor?language=ja").set("accept-language", "en").expect(303);
    const cookie = String(headers["set-cookie"]);
    const { text } = await request(site.url)
      .get("/doctor")
      .set("accept-language", "en")
      .set("cookie", cookie)
      .expect(200);
    expect(text).toContain('<html lang="ja"');
  });

  test("reveals nobody's address or cookie", async () => {
    const { findings } = await clean();
    const report = JSON.stringify(findings);
    expect(report).toContain('"forwarded"');
    expect(report).not.toMatch(/127\.0\.0\.1|localhost|doctor=/);
  });

  test("distinguishes chattera, a login page, and a site that does not answer", async () => {
    const network = await openProxy(site.url, showLoginPage);
    expect((await consult(network.url)).diagnosis).toMatchObject({ sentence: "foreign", grade: 2 });
    await network.close();
    const { diagnosis, findings } = await consult(network.url);
    expect(diagnosis).toMatchObject({ sentence: "silent", grade: 2 });
    expect(findings.reachError).toBe("ECONNREFUSED");
  }, 40_000);
});

test.each([
  ["http://no-such-host.invalid", "No host of this name was found."],
  ["http://127.0.0.1:9", "Nothing takes connections at this address and port."],
  ["https", "This port does not speak TLS."],
])(
  "in a terminal, a mistyped address is answered with a sentence: %s",
  async (at, sentence) => {
    let text = "";
    const out = (more: string) => {
      text += more;
    };
    const url = at === "https" ? site.url.replace("http:", "https:") : at;
    expect(await runDoctor(url, { isQuick: true, isJson: false, language: "en", out })).toBe(2);
    expect(text).toContain(`    ${sentence} `);
  },
  40_000,
);

describe("in a terminal, at an address at which there is no site, the doctor", () => {
  /** Returns what the doctor prints about an address of an app with a site at `/chat`. */
  const printed = (path: string, options: TestOptions = { basePath: "/chat" }) =>
    beforehand(async () => {
      const node = await openNode(site.databaseUrl, options);
      const onlyChat = refuse(404, ({ path }) => !path.startsWith(options.basePath ?? "/"));
      const app = await openProxy(node.url, onlyChat);
      const redirects: Misbehaviour = async () => ownAnswer(301, "", { location: `${app.url}/chat/rooms/lobby` });
      const former = await openProxy(node.url, redirects);
      let text = "";
      const out = (more: string) => {
        text += more;
      };
      const at = path === "former" ? former.url : app.url + path;
      const grade = await runDoctor(at, { isQuick: true, isJson: false, language: "en", out });
      for (const opened of [former, app, node]) await opened.close();
      return { grade, text, url: app.url };
    });

  const FOUND = { "": "/chat", "/chat/rooms/lobby": "/chat", "/elsewhere": "/chat", former: "/chat" };
  for (const [path, found] of Object.entries(FOUND)) {
    const consulted = printed(path);
    test(`says where the site is: ${path || "/"}`, async () => {
      const { grade, text, url } = await consulted();
      expect(grade).toBe(2);
      expect(text).toContain(`    The site is at ${url}${found}. Use this address.\n`);
    }, 40_000);
  }

  const unknown = printed("", { basePath: "/far/away" });
  test("says what to check if it cannot find the site", async () => {
    const { text } = await unknown();
    expect(text).toContain("Something other than chattera answers.");
    expect(text).toContain("    No site was found at this address, at a path above it, or at /chat. Check the host,");
  }, 40_000);

  const misnamed = printed("", { hosts: ["chat.example.org"] });
  test("says that the site has another name, and not that something else answers", async () => {
    const { grade, text } = await misnamed();
    expect(grade).toBe(2);
    expect(text).toContain("chattera answers, but not under this host name.");
    expect(text).toContain("chattera answered that no site is here (status 421)");
    expect(text).not.toContain("omething other than chattera");
  }, 40_000);

  const misplaced = printed("/nothing", {});
  test("says that the site has another path, and which", async () => {
    const { text, url } = await misplaced();
    expect(text).toContain("chattera answers, but the site is not at this path.");
    expect(text).toContain(`    The site is at ${url}. Use this address.\n`);
  }, 40_000);
});

const nginxTest = hasNginx ? test : test.skip;
const COMPRESSED = "gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;";
const HELD = "proxy_ignore_headers X-Accel-Buffering;";

describe("behind an nginx that holds and compresses", () => {
  const said = beforehand(async () => {
    let text = "";
    const out = (more: string) => {
      text += more;
    };
    if (hasNginx)
      await through(startNginx(site.url, HELD, COMPRESSED), (at) =>
        runDoctor(at, { isQuick: true, isJson: false, language: "ja", out }),
      );
    return text;
  });
  nginxTest(
    "the doctor says so in a sentence and shows the lines that fix it",
    async () => {
      expect(await said()).toContain("ロングポーリング");
      expect(await said()).toContain("proxy_buffering off;");
      expect(await said()).toContain("途中で圧縮されています");
    },
    60_000,
  );

  const lines = REMEDIES.find(({ name }) => name === "streams")?.programs.find(({ name }) => name === "nginx")?.lines;
  // The address and name of the site are configured already.
  const cure = (lines ?? "").split("\n").filter((line) => /^ +[a-z_]+ .*;$/.test(line) && !/_pass|Host/.test(line));
  const cured = beforehand(async () =>
    hasNginx ? through(startNginx(site.url, cure.join("\n"), COMPRESSED), consult) : undefined,
  );
  nginxTest(
    "those lines fix it",
    async () => {
      expect(cure).toHaveLength(4);
      expect((await cured())?.codes).toEqual([]);
    },
    60_000,
  );
});

describe("chattera doctor in a terminal", () => {
  type Ended = { code: number; out: string; err: string };
  const root = fileURLToPath(new URL("../..", import.meta.url));

  function run(...given: string[]): Promise<Ended> {
    const { NODE_OPTIONS: _jest, ...env } = process.env;
    return new Promise((resolve) => {
      const args = ["--import", "tsx", "server/process/cli.ts", "doctor", ...given];
      execFile(process.execPath, args, { cwd: root, env: { ...env, LC_ALL: "C" } }, (error, out, err) => {
        resolve({ code: error ? Number(error.code) : 0, out, err });
      });
    });
  }

  const report = beforehand(() => run(site.url, "--json", "--quick"));
  test("prints only the report, and returns its exit code", async () => {
    const { code, out, err } = await report();
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toMatchObject({ doctor: 1, by: "terminal", quick: true });
  }, 60_000);

  test("says in words that the address is wrong", async () => {
    const { code, out } = await run("ftp://chat.example/");
    expect({ code, out }).toEqual({ code: 2, out: "Enter the site’s address, beginning with http:// or https://.\n" });
  }, 40_000);
});

describe("a request of the doctor", () => {
  test("is answered with the mark and the nonce, and streams frame by frame", async () => {
    const { body } = await request(site.url).get("/api/doctor/echo;n=abc?q=1").set("via", "1.1 a, 1.1 b").expect(200);
    expect(body).toMatchObject({ chattera: 1, n: "abc", query: true, via: 2, forwarded: 0 });
    const stream = await request(site.url).get("/api/doctor/stream;n=abc;frames=2;gap=0;quiet=0").expect(200);
    expect(stream.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "x-accel-buffering": "no",
      "cache-control": "no-store, no-transform",
    });
    expect(stream.text.match(/"n":"abc","frame":/g)).toHaveLength(3);
    await request(site.url).get("/api/doctor/stream?as=nonsense").expect(400);
    await request(site.url).get("/api/doctor/stream?frames=30&gap=10000").expect(400);
    await request(site.url).post("/api/doctor/echo").type("form").send({ n: "abc" }).expect(200);
  });

  test("needs no session, and ignores one that the network damaged", async () => {
    const damaged = request(site.url).post("/api/doctor/echo").set("cookie", "chattera=nonsense");
    await damaged.set("authorization", "Bearer nonsense").send({}).expect(200);
  });

  test("is limited in rate and in concurrency", async () => {
    const node = await openNode(site.databaseUrl, { limits: true });
    const gone = new AbortController();
    const held = Array.from({ length: 35 }, () =>
      fetch(`${node.url}/api/doctor/echo;hold=70000`, { signal: gone.signal }).catch(() => undefined),
    );
    const status = (hold = 0) => fetch(`${node.url}/api/doctor/echo;hold=${hold}`).then((answer) => answer.status);
    await until("no more are held", async () => (await status(1)) === 429);
    gone.abort();
    await Promise.all(held);
    await until("those that were held are gone", async () => (await status(1)) === 200);
    const many = await Promise.all(Array.from({ length: 700 }, () => status()));
    expect(many).toContain(429);
    await node.close();
  }, 40_000);
});

test("the doctor's page works without script and names the remedy for each fault once", async () => {
  const { text, headers } = await request(site.url).get("/doctor").set("accept-language", "en").expect(200);
  expect(headers["content-security-policy"]?.split("frame-src 'self'")).toHaveLength(2);
  expect(text).toContain('<noscript><p class="problem">');
  expect(text).toContain('href="/rooms/lobby/live"');
  expect(text).toContain("proxy_buffering off;");
  const cures = REMEDIES.flatMap((remedy) => remedy.cures);
  expect(new Set(cures).size).toBe(cures.length);
  expect((await request(site.url).get("/")).text).toContain('href="/doctor"');
});

test("the doctor's script runs in Internet Explorer 7", () => {
  const bundle = readFileSync(new URL(`../../dist/client/${ASSETS.doctorScript}`, import.meta.url), "utf8");
  expect(es3Faults(bundle)).toEqual([]);
  expect(bundle).toMatch(/^[ -~\n]+$/);
});
