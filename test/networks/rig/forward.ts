import type { Running } from "./network.ts";
import { openTranslator } from "./proxy.ts";

/** Starts a forward proxy and a translator in front of it, so that any client can use it. */
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
