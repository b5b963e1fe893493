import { beforeAll, describe, expect } from "@jest/globals";
import { build } from "esbuild";
import { ALONGSIDE, ROAD, stepsOf } from "../docs/road.ts";
import { browserTest, type PageUser, useBrowser } from "../support/browser.ts";
import { watchPage, watchProcess } from "../support/files-run.ts";
import { useSite } from "../support/use-site.ts";

const browser = useBrowser();
const site = useSite({ limits: true });

let bundle: string;

beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: ["client/ui/main.ts"],
    bundle: true,
    format: "esm",
    target: "es2020",
    write: false,
  });
  bundle = outputFiles[0]?.text ?? "";
});

describe("the road of a message in docs/architecture.md", () => {
  browserTest(
    "names the files that run between Enter on one page and the message on another, and no others",
    { needs: ["devtools"] },
    async () => {
      const [ann, ben] = [await sitWithStream("Ann"), await sitWithStream("Ben")];
      await ann.say("the first message");
      await ben.sees("the first message");
      const server = await watchProcess();
      const watches = [server.filesRun, await watchPage(ann.page, bundle), await watchPage(ben.page, bundle)];

      const runs: Set<string>[] = [];
      for (const text of ["one", "two", "three"]) {
        await ann.page.fill("#say [name=text]", text);
        for (const filesRun of watches) await filesRun();
        await ann.page.press("#say [name=text]", "Enter");
        await Promise.all([ann.sees(text), ben.sees(text)]);
        const files = await Promise.all(watches.map((filesRun) => filesRun()));
        runs.push(new Set(files.flat()));
      }
      server.close();

      // A file that only a timer needs does not run for all three.
      const ran = [...(runs[0] ?? [])].filter((file) => runs.every((run) => run.has(file)));
      const road = new Set(ROAD.flatMap(stepsOf).map(({ file }) => file));
      const alongside = new Set(stepsOf(ALONGSIDE).map(({ file }) => file));
      expect(ran.filter((file) => !road.has(file) && !alongside.has(file)).sort()).toEqual([]);
      expect([...road].filter((file) => file.endsWith(".ts") && !ran.includes(file)).sort()).toEqual([]);
    },
    60_000,
  );
});

/** Opens a room with a script that names its files, and waits for its stream. */
async function sitWithStream(nickname: string): Promise<PageUser> {
  const user = await browser.sit(site.url, nickname);
  const script = { contentType: "text/javascript", body: bundle };
  await user.page.context().route("**/assets/main-*.js", (route) => route.fulfill(script));
  await user.page.reload();
  await user.page.waitForSelector('#connection[data-transport="sse"]');
  return user;
}
