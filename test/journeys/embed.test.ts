import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "@jest/globals";
import { build } from "esbuild";
import { type BrowserContext, chromium, type FrameLocator, firefox, type Page } from "playwright-core";
import { snippetWith } from "../docs/snippets.ts";
import { openSite, person, say, type TestPerson, type TestSite } from "../support/app.ts";
import { browserTest, useBrowser } from "../support/browser.ts";
import { programsOf } from "../support/engines.ts";
import { until } from "../support/until.ts";

// The host's page is at 127.0.0.2, so it is of another site than chattera at 127.0.0.1: browsers
// send no cookie in its frames, and keep their storage apart.

const browser = useBrowser();
let site: TestSite;
let url: string;
let host: Server;
let hostUrl: string;
let ann: TestPerson;
let guideScript: string;
let page: { policy: string | null; markup: string; head?: string };

beforeAll(async () => {
  host = createServer((request, response) => {
    const script = SCRIPTS[request.url ?? ""];
    if (script !== undefined) {
      response.writeHead(200, { "Content-Type": "text/javascript; charset=utf-8" }).end(script());
      return;
    }
    const policy = page.policy && { "Content-Security-Policy": page.policy };
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", ...policy });
    response.end(
      `<!doctype html><html lang="en"><title>Host</title>${page.head ?? ""}<h1>Host</h1>${page.markup}<p id="end">end</p>`,
    );
  });
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.2", resolve));
  hostUrl = `http://127.0.0.2:${(host.address() as AddressInfo).port}`;
  site = await openSite({ origins: [hostUrl] });
  url = site.nodes[0]?.url ?? "";
  guideScript = await bundleGuide();
  ann = await person(url, "Ann");
  await say(url, ann, "premise");
}, 30_000);

afterAll(async () => {
  await site.close();
  host.closeAllConnections();
  await new Promise((resolve) => host.close(resolve));
});

const GUIDE = "docs/how-to/embed-in-a-page.md";
const STRICT = () => `default-src 'none'; script-src ${url}; frame-src ${url}; style-src 'none'`;

async function openHost(markup: string, policy: string | null = STRICT(), head = ""): Promise<Page> {
  page = { policy, markup, head };
  const opened = await (await browser.newContext({ locale: "en-US" })).newPage();
  await opened.goto(hostUrl);
  return opened;
}

const POLICY_OF_LIBRARY = () => `default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self' ${url}`;

/** A page and a worker that follow the lobby, and show what they read. */
const SCRIPTS: { [path: string]: () => string } = {
  "/chattera.js": () => readFileSync(new URL("../../dist/client/browser.js", import.meta.url), "utf8"),
  "/follow.js": () => `import { connect } from "./chattera.js";
    export async function follow(where, show) {
      const room = connect("${url}", { room: "lobby", nickname: "A " + where });
      room.on("state", ({ transport }) => show(where, transport));
      room.on("event", ({ text }) => show(where, text ?? ""));
      await room.ready;
      await room.send("said by the " + where);
    }`,
  "/worker.js": () => `import { follow } from "./follow.js";
    follow("worker", (where, text) => postMessage([where, text]));`,
  "/guide.js": () => guideScript,
  "/raw.js": () => RAW,
  "/page.js": () => `import { follow } from "./follow.js";
    // WebKit reports its request for the icon of the tab.
    const faults = document.body.appendChild(document.createElement("p"));
    faults.id = "faults";
    addEventListener("securitypolicyviolation", ({ violatedDirective: of }) => of !== "img-src" && faults.append(of));
    const show = (where, text) => {
      const found = document.getElementById(where) ?? document.body.appendChild(document.createElement("p"));
      found.id = where;
      found.append(text + " ");
    };
    follow("page", show);
    new Worker("/worker.js", { type: "module" }).onmessage = ({ data: [where, text] }) => show(where, text);`,
};

/** Uses the API of the site that its element names, and writes the outcome of each call into it. */
const RAW = `const results = document.getElementById("results");
  const { site } = results.dataset;
  const outcome = {};
  const note = async (name, work) => {
    outcome[name] = "waiting";
    results.textContent = JSON.stringify(outcome);
    outcome[name] = await work().catch((error) => error.name);
  };
  const json = { "Content-Type": "application/json" };
  let token = "none", cursor = "";
  await note("session", async () => {
    const answer = await fetch(site + "/api/session", { method: "POST", headers: json, body: '{"nickname":"Raw"}' });
    token = (await answer.json()).token;
    return String(answer.status);
  });
  const bearer = { Authorization: "Bearer " + token };
  await note("send", async () => {
    cursor = (await (await fetch(site + "/api/rooms/lobby", { headers: bearer })).json()).cursor;
    const body = JSON.stringify({ id: "raw-" + Math.random().toString(36).slice(2, 12).padEnd(8, "0"), text: "said across origins" });
    const headers = { ...json, ...bearer };
    return String((await fetch(site + "/api/rooms/lobby/messages", { method: "POST", headers, body })).status);
  });
  const query = "?room=lobby&after=" + cursor;
  const textIn = (events) => events.find(({ kind }) => kind === "message")?.text;
  await note("poll", async () => textIn((await (await fetch(site + "/api/poll" + query, { headers: bearer })).json()).events));
  await note("stream", async () => {
    const stop = new AbortController();
    const { body } = await fetch(site + "/api/stream" + query, { headers: bearer, signal: stop.signal });
    const reader = body.getReader();
    let text = "";
    while (!text.includes("said across")) text += new TextDecoder().decode((await reader.read()).value);
    stop.abort();
    return /"text":"([^"]+)"/.exec(text)[1];
  });
  await note("sse", () => new Promise((resolve) => {
    const source = new EventSource(site + "/api/events" + query + "&token=" + token);
    source.onerror = () => { source.close(); resolve("error"); };
    source.onmessage = ({ data }) => {
      const { kind, text } = JSON.parse(data);
      if (kind === "message") { source.close(); resolve(text); }
    };
  }));
  await note("cookie", async () => document.cookie === "" ? "not sent" : document.cookie);
  results.textContent = JSON.stringify(outcome);
  results.dataset.done = "";`;

/** Bundles the page's script of the guide, as a project does that has chattera installed. */
async function bundleGuide(): Promise<string> {
  const { code } = snippetWith(GUIDE, "dataset.state");
  const client = new URL("../../dist/client/browser.js", import.meta.url).pathname;
  const { outputFiles } = await build({
    stdin: { contents: code.replace("https://chat.example.org", url), resolveDir: import.meta.dirname },
    alias: { "chattera/client": client },
    bundle: true,
    write: false,
    format: "esm",
  });
  return outputFiles[0]?.text ?? "";
}

const scriptWith = (attributes: string) => `<script src="${url}/embed.js" ${attributes} async></script>`;

browserTest(
  "a room is shown by one script element, under a strict policy, and a visitor without any cookie talks in it",
  async () => {
    const opened = await openHost(scriptWith('data-room="lobby" data-height="500" data-title="Our chat"'));
    const frame = opened.frameLocator("iframe.chattera-frame");
    await frame.locator("#log").getByText("premise").waitFor();
    await talkIn(frame, "Guest", "from the frame");
    await say(url, ann, "from outside");
    await frame.locator("#log").getByText("from outside").waitFor();
    const shown = await opened.evaluate(() => {
      const { title, offsetHeight, offsetWidth } = document.querySelector("iframe") as HTMLIFrameElement;
      return { title, offsetHeight, fills: offsetWidth === document.body.clientWidth };
    });
    expect(shown).toEqual({ title: "Our chat", offsetHeight: 500, fills: true });
    if (browser.engine() !== "WebKit") {
      const cookies = await opened.context().cookies();
      expect(cookies.filter(({ domain }) => domain === "127.0.0.1")).toEqual([]);
    }
    await opened.context().close();
  },
  60_000,
);

browserTest("a script element in the head puts the room at the end of the page", async () => {
  const opened = await openHost("", STRICT(), scriptWith('data-room="lobby" data-button="Chat"'));
  await opened.waitForSelector(".chattera-frame", { state: "attached" });
  const last = await opened.evaluate(() => [...document.body.children].slice(-2).map(({ className }) => className));
  expect(last).toEqual(["chattera-button", "chattera-frame"]);
  await opened.context().close();
});

/** Adds a script element to a page by a script, into a new element, and into a shadow tree. */
const ADDING = () => `
  const add = (where, title) => {
    const script = document.createElement("script");
    script.src = "${url}/embed.js";
    Object.assign(script.dataset, { room: "lobby", title });
    where.append(script);
  };
  const place = (id) => document.body.appendChild(Object.assign(document.createElement("div"), { id }));
  add(place("by-script"), "by a script");
  add(place("host").attachShadow({ mode: "open" }), "in a shadow tree");
  addEventListener("again", () => {
    document.getElementById("by-script").remove();
    add(place("by-script"), "added again");
  });`;

browserTest(
  "a page may load it deferred, as a module, by a script, in a shadow tree and twice, under strict-dynamic",
  async () => {
    const source = `<script nonce="n1" src="${url}/embed.js" data-room="lobby"`;
    const opened = await openHost(
      `${source} data-title="deferred" defer></script>${source} data-title="async" async></script>
       ${source} data-title="module" type="module"></script><script nonce="n1">${ADDING()}</script>`,
      `default-src 'none'; script-src 'nonce-n1' 'strict-dynamic'; frame-src ${url}; style-src 'none'`,
    );
    const titles = () =>
      opened.evaluate(() => {
        const shadow = document.getElementById("host")?.shadowRoot;
        const frames = [document, shadow].flatMap((root) => [...(root?.querySelectorAll("iframe") ?? [])]);
        return frames.map(({ title }) => title).sort();
      });
    const all = ["async", "by a script", "deferred", "in a shadow tree", "module"];
    await until("all are shown", async () => (await titles()).length >= all.length, 20_000);
    await opened.evaluate(() => dispatchEvent(new Event("again")));
    await until("the room is there again", async () => (await titles()).includes("added again"), 20_000);
    expect(await titles()).toEqual(["added again", ...all.filter((title) => title !== "by a script")]);
    await opened.context().close();
  },
  60_000,
);

browserTest(
  "its theme and language are those of its attributes",
  async () => {
    const opened = await openHost(scriptWith('data-room="lobby" data-theme="dark" data-language="ja"'));
    const frame = opened.frameLocator("iframe");
    await frame.locator("#enter button[type=submit]").getByText("入室").waitFor();
    const paper = await frame.locator("body").evaluate((body) => {
      const style = getComputedStyle(body);
      return [style.getPropertyValue("--paper"), style.colorScheme];
    });
    expect(paper).toEqual(["#191613", "dark"]);
    expect(await opened.locator("iframe").getAttribute("title")).toBe("チャット");
    await opened.context().close();
  },
  60_000,
);

browserTest(
  "its button counts unread messages, opens by keyboard, and has a name for screen readers",
  async () => {
    const opened = await openHost(scriptWith('data-room="lobby" data-button="Talk to us"'));
    const button = opened.locator("button.chattera-button");
    await button.waitFor();
    expect(await button.getAttribute("aria-expanded")).toBe("false");
    expect(await opened.locator("iframe").isVisible()).toBe(false);
    const { app } = site.nodes[0] as TestSite["nodes"][0];
    await until("the hidden frame reads", () => app.site.hub.readers.size > 0, 20_000);
    await say(url, ann, "are you there?");
    // Its text is its name.
    await opened.locator("button").getByText("Talk to us (1 unread)", { exact: true }).waitFor();
    await opened.keyboard.press("Tab");
    await opened.keyboard.press("Enter");
    await opened.locator("button").getByText("Talk to us", { exact: true }).waitFor();
    expect(await button.getAttribute("aria-expanded")).toBe("true");
    await opened.frameLocator("iframe").locator("#log").getByText("are you there?").waitFor();
    expect(await opened.evaluate(() => document.activeElement?.tagName)).toBe("IFRAME");
    await opened.context().close();
  },
  60_000,
);

browserTest(
  "a visitor talks in it where the browser blocks all cookies and all storage",
  { except: { WebKit: "WebDriver sets no policy for storage; WebKit itself blocks cookies of other sites" } },
  async () => {
    const { context, close } = await openWithoutStorage();
    page = { policy: STRICT(), markup: scriptWith('data-room="lobby"') };
    const opened = await context.newPage();
    await opened.goto(hostUrl);
    const frame = opened.frameLocator("iframe");
    await frame.locator("#log").getByText("premise").waitFor();
    const storage = await frame.locator("body").evaluate(() => {
      try {
        return localStorage.length;
      } catch {
        return "blocked";
      }
    });
    expect(storage).toBe("blocked");
    await talkIn(frame, "Without storage", "nothing is kept here");
    await close();
  },
  60_000,
);

browserTest(
  "the client library follows a room by a stream under connect-src alone, in a page and in a worker of another origin",
  async () => {
    const opened = await openHost('<script type="module" src="/page.js"></script>', POLICY_OF_LIBRARY());
    for (const where of ["page", "worker"])
      for (const text of ["sse", `said by the ${where}`])
        await opened.locator(`#${where}`).getByText(text).waitFor({ timeout: 20_000 });
    expect(await opened.textContent("#faults")).toBe("");
    await opened.context().close();
  },
  60_000,
);

browserTest(
  "a page of a listed origin reads by event stream, byte stream and poll and sends, with a bearer token; of another, nothing",
  async () => {
    const other = await openSite();
    const unlisted = other.nodes[0]?.url as string;
    const markup = (at: string) =>
      `<p id="results" data-site="${at}"></p><script type="module" src="/raw.js"></script>`;
    const listed = await openHost(markup(url), null);
    const results = async (opened: Page) => {
      await opened
        .locator("#results[data-done]")
        .waitFor({ state: "attached", timeout: 20_000 })
        .catch(async (error) => {
          throw new Error(`${error.message}; it has ${await opened.textContent("#results")}`);
        });
      return JSON.parse((await opened.textContent("#results")) ?? "{}") as { [call: string]: string };
    };
    expect(await results(listed)).toEqual({
      session: "201",
      send: "201",
      poll: "said across origins",
      stream: "said across origins",
      sse: "said across origins",
      cookie: "not sent",
    });
    page = { policy: null, markup: markup(unlisted) };
    await listed.goto(hostUrl);
    const refused = "TypeError";
    expect(await results(listed)).toEqual({
      session: refused,
      send: refused,
      poll: refused,
      stream: refused,
      sse: "error",
      cookie: "not sent",
    });
    await listed.context().close();
    await other.close();
  },
  90_000,
);

browserTest(
  "the ways to embed a room that the how-to guide shows work as they are written",
  async () => {
    const ours = (text: string) => snippetWith(GUIDE, text).code.replaceAll("https://chat.example.org", url);
    const opened = await openHost(ours("/embed.js") + ours("<iframe"));
    for (const css of [".chattera-frame", "iframe[width]"])
      await opened.frameLocator(css).locator("#log").getByText("premise").waitFor();
    for (const markup of [
      '<ol id="log"></ol><script type="module" src="/guide.js"></script>',
      ours("new EventSource("),
    ]) {
      page = { policy: null, markup };
      const { app } = site.nodes[0] as TestSite["nodes"][0];
      await opened.goto(hostUrl);
      await until("the page reads", () => app.site.hub.readers.size > 0, 20_000);
      await until(
        "the page shows what is said",
        async () => {
          await say(url, ann, "for the guide");
          return (await opened.textContent("#log"))?.includes("Ann: for the guide");
        },
        20_000,
      );
    }
    await opened.context().close();
  },
  90_000,
);

browserTest(
  "a site that is not listed cannot show a plain frame",
  async () => {
    const other = await openSite();
    const { app, url: unlisted } = other.nodes[0] as TestSite["nodes"][0];
    const frames = [url, unlisted].map((at) => `<iframe src="${at}/rooms/lobby" title="Chat"></iframe>`);
    const opened = await openHost(frames.reverse().join(""), null);
    await opened.frameLocator(`iframe[src^="${url}"]`).locator("#log").getByText("premise").waitFor();
    await until("the listed frame reads", () => (site.nodes[0]?.app.site.hub.readers.size ?? 0) > 0, 20_000);
    expect(app.site.hub.readers.size).toBe(0);
    await opened.context().close();
    await other.close();
  },
  60_000,
);

/** Enters the room of a frame and says something, until it is acknowledged. */
async function talkIn(frame: FrameLocator, nickname: string, text: string): Promise<void> {
  const name = frame.locator("#enter [name=nickname]");
  // [WebKit] A script cannot move the focus into a frame of another site. A click can.
  if (browser.engine() === "WebKit") await name.click();
  await name.fill(nickname);
  await pressIn(frame, "#enter button[type=submit]");
  await frame.locator("#text").waitFor();
  if (browser.engine() === "WebKit") await frame.locator("#text").click();
  await frame.locator("#text").fill(text);
  if (browser.engine() === "Firefox") await pressIn(frame, "#say button[type=submit]");
  else await frame.locator("#text").press("Enter");
  await frame.locator("#log [data-seq]").getByText(text).waitFor();
}

/**
 * Presses a button in a frame. [playwright 1.64] In Firefox, clicks and keys of the driver do not
 * reach a frame of another site.
 */
async function pressIn(frame: FrameLocator, css: string): Promise<void> {
  const button = frame.locator(css).first();
  if (browser.engine() === "Firefox") await button.evaluate((one: HTMLElement) => one.click());
  else await button.click();
}

/** Opens a browser that blocks all cookies and all storage, by its own settings. */
async function openWithoutStorage(): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  const executablePath = programsOf(browser.engine())?.[0] as string;
  if (browser.engine() === "Firefox") {
    const firefoxUserPrefs = { "network.cookie.cookieBehavior": 2 };
    const started = await firefox.launch({ channel: "moz-firefox", executablePath, firefoxUserPrefs });
    return { context: await started.newContext(), close: () => started.close() };
  }
  const folder = mkdtempSync(join(tmpdir(), "chattera-chromium-"));
  mkdirSync(join(folder, "Default"));
  const blocked = { profile: { default_content_setting_values: { cookies: 2 } } };
  writeFileSync(join(folder, "Default/Preferences"), JSON.stringify(blocked));
  const context = await chromium.launchPersistentContext(folder, { executablePath, args: ["--no-sandbox"] });
  const close = async () => {
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { context, close };
}
