import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * A bug: a file of the build, a text in it, the text that replaces it, and the faults under which
 * it shows.
 */
type Bug = { file: string; text: string; bug: string; faults: string[] };

/** Bugs that the checker has to find. They are planted in a copy of the build. */
export const BUGS: { [name: string]: Bug } = {
  /** Events that come between two reads of the log are never read: neither sweep nor catch-up. */
  "no-catch-up": {
    file: "server/site.js",
    text: "() => hub.wake(),",
    bug: "() => undefined,",
    faults: ["F4"],
  },
  /** A reader that was away is put at the end of the log without a word. */
  "hole-between-history-and-live": {
    file: "server/delivery/catch-up.js",
    text: "hub.attach(reader, tail);",
    bug: "reader.moveTo(tail, { seq: tail.sent }); hub.attach(reader, tail);",
    faults: ["F1", "F17"],
  },
  /** Every resend is another message. */
  "no-dedupe": {
    file: "db/log/append.js",
    text: "draft.clientId ?? null",
    bug: "draft.clientId ? draft.clientId + Math.random().toString(36).slice(2, 8) : null",
    faults: ["F19"],
  },
  /** A reader that returns gets its last event twice. */
  "off-by-one": {
    file: "server/delivery/positions.js",
    text: "tail.sumAt(seq) === sum ? seq : undefined",
    bug: "tail.sumAt(seq) === sum ? Math.max(0, seq - 1) : undefined",
    faults: ["F17"],
  },
};

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Returns the folder of a copy of the build with a bug in it. It lies below node_modules, so that
 * it finds its packages.
 */
export async function plant(name: string): Promise<string> {
  const bug = BUGS[name];
  if (bug === undefined) throw new Error(`there is no bug ${name}, only ${Object.keys(BUGS).join(", ")}`);
  const folder = join(ROOT, "node_modules/.cache/chattera-chaos", name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(join(ROOT, "dist"), join(folder, "dist"), { recursive: true });
  await cp(join(ROOT, "package.json"), join(folder, "package.json"));
  const path = join(folder, "dist", bug.file);
  const code = await readFile(path, "utf8");
  if (code.split(bug.text).length !== 2) throw new Error(`${bug.file} has not once: ${bug.text}`);
  await writeFile(path, code.replace(bug.text, bug.bug));
  return folder;
}
