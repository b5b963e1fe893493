import { afterAll, beforeAll } from "@jest/globals";
import { openSite, type TestNode, type TestOptions, type TestSite } from "./app.ts";

/** The site of a test file. Its members may be read inside tests and hooks only. */
export type UsedSite = Readonly<{
  /** The URL of the first node. */
  url: string;
  /** The first node. */
  node: TestNode;
  databaseUrl: string;
}>;

/** Opens a site of one node before all tests of the file, and closes it after them. */
export function useSite(options: TestOptions = {}): UsedSite {
  let site: TestSite;
  beforeAll(async () => {
    site = await openSite(options);
  }, 30_000);
  afterAll(() => site.close());
  const node = () => site.nodes[0] as TestNode;
  return {
    get url() {
      return node().url;
    },
    get node() {
      return node();
    },
    get databaseUrl() {
      return site.databaseUrl;
    },
  };
}
