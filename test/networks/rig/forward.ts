import type { Running } from "./network.ts";
import { openTranslator } from "./proxy.ts";

/** A forward proxy with a translator before it, so that any client can be put behind it. */
export async function forward(target: string, startProxy: () => Promise<Running>): Promise<Running> {
  const proxy = await startProxy();
  const translator = await openTranslator(target, proxy.url);
  return {
    url: translator.url,
    close: async () => {
      await translator.close();
      await proxy.close();
    },
  };
}
