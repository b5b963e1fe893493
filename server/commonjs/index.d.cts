import type { App, AppOptions } from "../index.js" with { "resolution-mode": "import" };

export type * from "../index.js" with { "resolution-mode": "import" };
/** Opens chattera as a Koa app, see the ES module's `createApp`. */
export declare function createApp(options: AppOptions): Promise<App>;
