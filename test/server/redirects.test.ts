import { request as send } from "node:http";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { openNode, openSite, type TestNode, type TestSite } from "../support/app.ts";

let site: TestSite;
let based: TestNode;

beforeAll(async () => {
  site = await openSite();
  based = await openNode(site.databaseUrl, { basePath: "/chat" });
});

afterAll(async () => {
  await based.close();
  await site.close();
});

/** The Location of the answer to a request whose target no client has tidied up. */
function locationOf(node: TestNode, method: string, path: string): Promise<string | undefined> {
  const form = method === "POST" ? "nickname=Ann&language=ja" : "";
  const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": form.length };
  return new Promise((resolve, reject) => {
    const sent = send(node.url, { agent: false, method, path, headers }, (answer) => {
      resolve(answer.headers.location);
      // A live page would not end.
      answer.destroy();
    });
    sent.once("error", reject);
    sent.end(form);
  });
}

const PIECES =
  "/ // \\ \\\\ /\\ /.. /. %2f %2F %5c %09 %0d%0a %00 ; ;x=1 ;language=ja ? ?language=ja &language=en # @ : evil.example //evil.example rooms ROOMS lobby LOBBY live doctor DOCTOR chat CHAT refresh=10 after=x %C3%A9 api session".split(
    " ",
  );

const PAGES = "/ /rooms/lobby /ROOMS/lobby /rooms/LOBBY/live /Doctor /chat/rooms/lobby/ //rooms/lobby".split(" ");

const paths = fc
  .tuple(
    fc.constantFrom(...PAGES),
    fc.array(fc.constantFrom(...PIECES), { maxLength: 5 }),
    fc.constantFrom("", "?language=ja", ";language=ja"),
  )
  .map(([page, pieces, end]) => page + pieces.join("") + end);

test("no redirect leaves the site: each begins with one slash, whatever path it answers", async () => {
  let redirects = 0;
  const check = async (path: string, method: string, node: TestNode) => {
    const location = await locationOf(node, method, path);
    if (location === undefined) return;
    redirects += 1;
    expect(location).toMatch(/^\/(?![/\\])/);
    // Resolve it as a browser does, which reads \ as /.
    expect(new URL(location, "http://here.example/a/b").origin).toBe("http://here.example");
  };
  const nodes = [site.nodes[0] as TestNode, based];
  for (const node of nodes)
    for (const path of [
      "//?language=ja",
      "//evil.example?language=ja",
      "/rooms//evil.example",
      "/\\evil.example/rooms/lobby",
    ])
      await check(path, "GET", node);
  const property = fc.asyncProperty(paths, fc.constantFrom("GET", "POST"), fc.constantFrom(...nodes), check);
  await fc.assert(property, { numRuns: 1_000 });
  expect(redirects).toBeGreaterThan(50);
}, 30_000);
