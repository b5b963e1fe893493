import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { StartError } from "../start-error.ts";
import { chatUrl } from "./chat-url.ts";
import { defaultDataDir, type EmbeddedOptions } from "./start.ts";

/**
 * Returns the URL of the embedded database that a running chattera has in a data folder. Throws a
 * StartError if this user may not read the folder, or if the database is not up.
 */
export async function joinEmbedded({ dataDir }: Pick<EmbeddedOptions, "dataDir">): Promise<string> {
  const folder = resolve(dataDir ?? defaultDataDir());
  const [password, running] = await Promise.all([
    readOwn(join(folder, "password")),
    readOwn(join(folder, "postgresql", "postmaster.pid")),
  ]);
  // [PostgreSQL, miscadmin.h] The fourth line of the file is the port.
  const port = Number(running.split("\n")[3]);
  if (!(port > 0)) throw new StartError(`The database in ${folder} is starting or stopping: try again in a moment.`);
  return chatUrl(password, port);
}

async function readOwn(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const sentence =
      code === "EACCES"
        ? `${file} cannot be read: run this command as the user that runs chattera.`
        : `${file} is missing: the database is starting or stopping, so try again in a moment.`;
    throw new StartError(sentence, { cause: error });
  }
}
